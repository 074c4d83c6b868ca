/**
 * What an update has sent, noted so that another try of it does not send it
 * again: a message is known by its content, the same twice in one try by its
 * count. What Telegram took in the instant of a crash cannot be noted; a later
 * try that may repeat such a message says so.
 */
import { createHash } from "node:crypto";
import { GrammyError } from "grammy";
import type { Sql } from "postgres";
import { logger } from "../log.ts";

/** Sends what `content` names unless an earlier try has; gives the message's id. */
export type SendOnce = (content: string, send: () => Promise<number>) => Promise<number>;

/** The ids of messages by the keys of what they say. */
export type Noted = ReadonlyMap<string, number>;

export interface SentMessages {
  once: SendOnce;
  /** Telegram may have a message of this or an earlier try that is not noted. */
  readonly isUnclear: boolean;
  /** Messages of this try that an earlier one may have sent as well. */
  readonly repeats: Readonly<Record<"avoided" | "possible", number>>;
  /** Resolves once all is noted that was sent. */
  flush(): Promise<void>;
  /** Ends it without noting: the update is completed. */
  end(): void;
}

export interface NoteSentOptions {
  jobId: string;
  sql: () => Sql;
  /** What earlier tries have sent. */
  earlier: Noted;
  /** What they have sent may not all be in `earlier`. */
  isUnclear: boolean;
  /** Throws when the update may be somebody else's by now. */
  assertClaimed: () => void;
}

/** The notes of one try of an update. */
export function noteSent(
  { jobId, sql, earlier, isUnclear, assertClaimed }: NoteSentOptions,
): SentMessages {
  const log = logger("queue");
  const counts = new Map<string, number>();
  const repeats = { avoided: 0, possible: 0 };
  let wasUnclear = isUnclear;
  let pending: [string, number][] = [];
  let soon: ReturnType<typeof setTimeout> | undefined;

  async function flush(): Promise<void> {
    clearTimeout(soon);
    soon = undefined;
    const notes = pending;
    if (notes.length === 0) return;
    pending = [];
    try {
      await keepNotes(sql(), jobId, notes);
    } catch (error) {
      pending = [...notes, ...pending];
      throw error;
    }
  }

  return {
    async once(content, send) {
      const key = keyOf(content, counts);
      const known = earlier.get(key);
      if (known !== undefined) {
        repeats.avoided++;
        return known;
      }
      assertClaimed();
      if (isUnclear) repeats.possible++;
      const messageId = await send().catch((error) => {
        // A refusal is clear; after anything else it may have arrived.
        if (!(error instanceof GrammyError)) wasUnclear = true;
        throw error;
      });
      pending.push([key, messageId]);
      // A handler whose last word this was ends at once, and then its update is completed instead.
      soon ??= setTimeout(() => {
        flush().catch((error) => log.debug("Cannot note what was sent: {error}", { error }));
      });
      return messageId;
    },
    get isUnclear() {
      return wasUnclear || pending.length > 0;
    },
    repeats,
    flush,
    end() {
      clearTimeout(soon);
      soon = undefined;
    },
  };
}

/** What earlier tries of these updates have sent, by the update's job. */
export async function readNotes(sql: Sql, jobIds: readonly string[]): Promise<Map<string, Noted>> {
  const notes = new Map<string, Map<string, number>>();
  if (jobIds.length === 0) return notes;
  const rows = await sql<{ jobId: string; key: string; messageId: number }[]>`
    select job_id as "jobId", key, message_id as "messageId" from sent_messages
    where job_id = any(${[...jobIds]}::uuid[])`;
  for (const { jobId, key, messageId } of rows) {
    notes.set(jobId, (notes.get(jobId) ?? new Map()).set(key, messageId));
  }
  return notes;
}

async function keepNotes(
  sql: Sql,
  jobId: string,
  notes: readonly [string, number][],
): Promise<void> {
  await sql`
    insert into sent_messages (job_id, key, message_id)
    select ${jobId}::uuid, key, message_id
    from unnest(${notes.map(([key]) => key)}::text[],
      ${notes.map(([, id]) => String(id))}::text[]::bigint[]) as n (key, message_id)
    on conflict do nothing`;
}

/** Names a message: what it says, and the how manieth of these it is. */
function keyOf(content: string, counts: Map<string, number>): string {
  const hash = createHash("sha256").update(content).digest("base64url");
  const count = (counts.get(hash) ?? 0) + 1;
  counts.set(hash, count);
  return `${hash}.${count}`;
}
