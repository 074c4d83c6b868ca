/** The table of updates that could not be handled, for operators to look at, retry or drop. */
import type { Sql, TransactionSql } from "postgres";
import type { IncomingUpdate } from "../../actors/protocol.ts";

/** An update that was given up. */
export interface DeadLetter {
  botId: number;
  updateId: number;
  /** What its order was kept by: the chat's id, as a rule. */
  chatKey: string;
  update: IncomingUpdate;
  /** For operators: what its last try ended with. */
  reason: string;
  tries: number;
}

export interface BuriedLetter extends DeadLetter {
  diedAt: Date;
}

/** Keeps an update that is given up; the same one again replaces what was kept. */
export async function bury(sql: Sql, letter: DeadLetter): Promise<void> {
  const { botId, updateId, chatKey, update, reason, tries } = letter;
  await sql`
    insert into dead_letters (bot_id, update_id, chat_key, update, reason, tries)
    values (${botId}, ${updateId}, ${chatKey}, ${
    JSON.stringify(update)
  }::jsonb, ${reason}, ${tries})
    on conflict (bot_id, update_id) do update set
      reason = excluded.reason, tries = excluded.tries, died_at = now()`;
}

/** All of them or those with these ids, oldest first. */
export async function listDead(
  sql: Sql,
  updateIds: readonly number[] | "all",
): Promise<BuriedLetter[]> {
  const rows = await sql<BuriedLetter[]>`
    select bot_id as "botId", update_id as "updateId", chat_key as "chatKey",
      update, reason, tries, died_at as "diedAt"
    from dead_letters ${
    updateIds === "all" ? sql`` : sql`where update_id = any(${[...updateIds]}::bigint[])`
  } order by died_at, update_id`;
  return [...rows];
}

/** Forgets a letter. */
export async function dropDead(
  sql: Sql | TransactionSql,
  { botId, updateId }: Pick<DeadLetter, "botId" | "updateId">,
): Promise<void> {
  await sql`delete from dead_letters where bot_id = ${botId} and update_id = ${updateId}`;
}
