/**
 * What stands with an update in the queue about its tries: whose it is and until
 * when, how the earlier ones ended, when the next one may begin. The engine's own
 * ways to fail a job and to miss a worker know no difference between a try that
 * waits, one that fails and one that never began.
 */
import type { Sql } from "postgres";
import { afterTry, pauseMs } from "./patience.ts";
import type { StoredUpdate } from "./update_queue.ts";

/** The engine's name of the queue of updates. */
export const QUEUE = "updates";
/** An update that is set aside is looked at again soon, as another one is in its way. */
const SET_ASIDE_MS = 50;

/** One try of an update: `retries` were before it. */
export type Try = Pick<StoredUpdate, "id" | "retries">;

/** What stands with an update about the tries that have not completed it. */
export interface TriesSoFar {
  /** How the last one ended. */
  error: string;
  waits: number;
  failures: number;
  /** Telegram may have something of theirs that is not noted. */
  isUnclear: boolean;
  /** The last retry that was begun to be handled, not only claimed; a first try is noted by nothing. */
  begun?: number;
}

/** A try that has not completed its update, and what ended it. */
export interface TryEnded {
  stored: StoredUpdate;
  error: unknown;
}

/** Returns an update to the queue after a try that has not completed it; says whether it was still its own. */
export async function putBack(sql: Sql, ended: TryEnded): Promise<boolean> {
  const { stored, error } = ended;
  await stored.sent.flush();
  const { count } = await sql`
    update pgboss.job set state = 'retry', heartbeat_on = null, output = ${soFar(sql, ended)},
      start_after = now() + ${pauseMs(afterTry(stored, error), error)} * interval '1 ms'
    where name = ${QUEUE} and ${inHand(sql, [stored])}`;
  return count > 0;
}

/** Notes how the last try of an update has ended that is still in hand, to be given up. */
export async function noteLast(sql: Sql, ended: TryEnded): Promise<void> {
  await ended.stored.sent.flush();
  await sql`
    update pgboss.job set output = ${soFar(sql, ended)}
    where name = ${QUEUE} and ${inHand(sql, [ended.stored])}`;
}

/** Returns updates that were claimed but are not to be handled now; that was no try of theirs. */
export async function setAside(sql: Sql, tries: readonly Try[]): Promise<void> {
  if (tries.length === 0) return;
  await sql`
    update pgboss.job set state = 'retry', heartbeat_on = null, started_on = null,
      start_after = now() + ${SET_ASIDE_MS} * interval '1 ms'
    where name = ${QUEUE} and ${inHand(sql, tries)}`;
}

/** Notes which retries are really begun: only these can have ended their process. */
export async function noteBegun(sql: Sql, tries: readonly Try[]): Promise<void> {
  const retried = tries.filter(({ retries }) => retries > 0);
  if (retried.length === 0) return;
  await sql`
    update pgboss.job
    set output = coalesce(output, '{}') || jsonb_build_object('begun', retry_count)
    where name = ${QUEUE} and ${inHand(sql, retried)}`;
}

/** Renews the claims on tries in hand; gives the ids of those that are still in it, and the database's time. */
export async function renewTries(
  sql: Sql,
  tries: readonly Try[],
): Promise<{ kept: string[]; clock: number }> {
  const [row] = await sql<[{ kept: string[]; clock: number }]>`
    with renewed as (
      update pgboss.job set heartbeat_on = now()
      where name = ${QUEUE} and ${inHand(sql, tries)} returning id)
    select (select coalesce(json_agg(id), '[]') from renewed) as kept,
      extract(epoch from clock_timestamp())::float8 * 1000 as clock`;
  return row;
}

/** Takes back that these processes have died: another one took them over, but they only waited. */
export async function noteAlive(sql: Sql, tries: readonly Try[]): Promise<void> {
  if (tries.length === 0) return;
  await sql`
    update pgboss.job set output = coalesce(output, '{}') || ${oneMoreWait(sql)}
    where name = ${QUEUE} and id = any(${tries.map(({ id }) => id)}::uuid[])
      and state in ('active', 'retry')`;
}

/**
 * Returns to the queue what nobody has renewed for so long, to be tried at once;
 * gives how many updates that were.
 *
 * @param own those in this process's hands
 */
export async function reclaimSilent(
  sql: Sql,
  own: readonly string[],
  silentMs: number,
): Promise<number> {
  const { count } = await sql`
    update pgboss.job set state = 'retry', heartbeat_on = null, start_after = now(),
      output = coalesce(output, '{}') ||
        case when retry_count = 0 or (output ->> 'begun')::int = retry_count
          then '{"error": "its process was silent", "isUnclear": true}'
          else ${oneMoreWait(sql)} end
    where name = ${QUEUE} and state = 'active' and not id = any(${[...own]}::uuid[])
      and (heartbeat_on < now() - ${silentMs} * interval '1 ms'
        -- The clock was set back since, and who lives has renewed it.
        or heartbeat_on > now() + ${silentMs} * interval '1 ms')`;
  return count;
}

/** Lets all be tried now that wait for a time. */
export async function hurry(sql: Sql): Promise<void> {
  await sql`
    update pgboss.job set start_after = now()
    where name = ${QUEUE} and state = 'retry' and start_after > now()`;
}

/** The tallies with this try in them: what was added to them meanwhile stays. */
function soFar(sql: Sql, { stored, error }: TryEnded) {
  const tries = afterTry(stored, error);
  return sql`jsonb_build_object(
    'error', ${nameOf(error)}::text,
    'isUnclear', ${stored.sent.isUnclear}::bool,
    'waits', coalesce((output ->> 'waits')::int, 0) + ${tries.waits - stored.waits}::int,
    'failures', coalesce((output ->> 'failures')::int, 0)
      + ${tries.failures - stored.failures}::int)`;
}

function oneMoreWait(sql: Sql) {
  return sql`jsonb_build_object('waits', coalesce((output ->> 'waits')::int, 0) + 1)`;
}

/** Of these updates those whose try is still the same. */
function inHand(sql: Sql, tries: readonly Try[]) {
  return sql`id = any(${tries.map(({ id }) => id)}::uuid[]) and state = 'active'
    and id || ':' || retry_count = any(${
    tries.map(({ id, retries }) => `${id}:${retries}`)
  }::text[])`;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}
