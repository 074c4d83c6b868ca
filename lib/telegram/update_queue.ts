/**
 * The durable queue of updates, on pg-boss: stored once by `update_id`, in order
 * within a chat, chats in parallel, and taken over by another replica when the
 * one that works on it dies. It shares the database's own connections.
 */
import { type Db, PgBoss } from "pg-boss";
import type { Sql } from "postgres";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import { logger } from "../log.ts";

const QUEUE = "updates";
/** A worker that is silent for this long is taken for dead; the engine's smallest. */
const HEARTBEAT_S = 10;
const TOUCH_MS = 3_000;
const SUPERVISE_S = 5;
/** Handled updates are kept this long to recognise a repeated delivery; Telegram keeps its own 24 h. */
const REMEMBER_S = 2 * 24 * 3_600;
/** How long one handler may work on an update. */
const EXPIRE_S = 3_600;
/** With the pauses below, what needs Telegram or the database waits out half an hour without it. */
const RETRIES = 35;
const MAX_RETRY_DELAY_S = 60;

export interface StoredUpdate {
  id: string;
  update: IncomingUpdate;
  /** Earlier tries that ended without completing it. */
  retries: number;
}

export interface UpdateQueue {
  open(): Promise<void>;
  /** Resolves once all are safe; those known already are passed over. */
  store(updates: readonly IncomingUpdate[]): Promise<void>;
  /** Takes at most one update of each chat, and only of chats where none is being handled. */
  take(limit: number): Promise<StoredUpdate[]>;
  complete(id: string): Promise<void>;
  /** Whether files of this album wait to be handled in this chat. */
  albumHasMore(chatId: number, albumId: string): Promise<boolean>;
  /**
   * Gives the update back, to be taken again after a pause that grows with each
   * try; after the last one it is given up, so that its chat goes on.
   */
  giveBack(stored: StoredUpdate, error: unknown): Promise<"later" | "givenUp">;
  /** Updates that wait or are being handled. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * @param botId the bot's own Telegram id, since `update_id` counts per bot
 */
export function createUpdateQueue(
  { kind, sql: connect, botId }: { kind: "postgres" | "pglite"; sql: () => Sql; botId: number },
): UpdateQueue {
  const log = logger("queue");
  const active = new Set<string>();
  let boss: PgBoss | undefined;
  let touching: ReturnType<typeof setInterval> | undefined;

  const opened = (): PgBoss => {
    if (boss === undefined) throw new Error("Cannot use the queue as it is not open");
    return boss;
  };
  const touch = () => {
    if (active.size === 0) return;
    opened().touch(QUEUE, [...active]).catch((error) =>
      log.warn("Cannot renew the claim on updates in work: {error}", { error })
    );
  };

  return {
    async open() {
      const engine = new PgBoss({
        db: overDriver(connect()),
        backend: kind,
        schedule: false,
        superviseIntervalSeconds: SUPERVISE_S,
        monitorIntervalSeconds: SUPERVISE_S,
      });
      engine.on("error", (error) => log.warn("Queue: {error}", { error }));
      await engine.start();
      await engine.createQueue(QUEUE, {
        policy: "key_strict_fifo",
        heartbeatSeconds: HEARTBEAT_S,
        expireInSeconds: EXPIRE_S,
        deleteAfterSeconds: REMEMBER_S,
        retryLimit: RETRIES,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: MAX_RETRY_DELAY_S,
      });
      boss = engine;
      touching = setInterval(touch, TOUCH_MS);
    },
    async store(updates) {
      const jobs = updates.map((update) => ({
        id: jobId(botId, update.update_id),
        data: update,
        singletonKey: chatKey(update),
      }));
      await opened().insert(QUEUE, jobs);
    },
    async take(limit) {
      const jobs = await opened().fetch<IncomingUpdate>(QUEUE, {
        batchSize: limit,
        includeMetadata: true,
      });
      for (const { id } of jobs) active.add(id);
      return jobs.map(({ id, data, retryCount }) => ({ id, update: data, retries: retryCount }));
    },
    async complete(id) {
      await opened().complete(QUEUE, id);
      active.delete(id);
    },
    async giveBack({ id, retries }, error) {
      active.delete(id);
      const reason = { error: error instanceof Error ? error.name : String(error) };
      // A failed job would hold back its chat for ever, so the last try ends as a completed one.
      const isLast = retries >= RETRIES;
      if (isLast) await opened().complete(QUEUE, id, reason);
      else await opened().fail(QUEUE, id, reason);
      return isLast ? "givenUp" : "later";
    },
    async albumHasMore(chatId, albumId) {
      const rows = await connect()`
        select 1 from pgboss.job
        where name = ${QUEUE} and singleton_key = ${String(chatId)}
          and state in ('created', 'retry')
          and data -> 'message' ->> 'media_group_id' = ${albumId}
        limit 1`;
      return rows.length > 0;
    },
    async size() {
      const [row] = await connect()<[{ size: number }]>`
        select count(*)::int as size from pgboss.job
        where name = ${QUEUE} and state in ('created', 'retry', 'active')`;
      return row.size;
    },
    async close() {
      clearInterval(touching);
      await boss?.stop({ graceful: false, close: false });
      boss = undefined;
    },
  };
}

/** pg-boss's port to a database, over our driver. */
function overDriver(sql: Sql): Db {
  return {
    async executeSql(text, values) {
      // Scripts come in a transaction of their own, which needs one connection throughout.
      if (/^\s*BEGIN\b/i.test(text)) {
        const reserved = await sql.reserve();
        try {
          return { rows: rowsOf(await reserved.unsafe(text)) };
        } finally {
          reserved.release();
        }
      }
      const run = values?.length ? sql.unsafe(text, values as never[]) : sql.unsafe(text);
      return { rows: rowsOf(await run) };
    },
  };
}

/** The rows of every statement: a script's result is a list for each. */
function rowsOf(result: readonly unknown[]): unknown[] {
  return result.some(Array.isArray) ? result.flat() : [...result];
}

/** A UUID that a repeated delivery has as well, and that sorts as updates do. */
function jobId(botId: number, updateId: number): string {
  const bot = botId.toString(16).padStart(12, "0");
  const update = updateId.toString(16).padStart(12, "0");
  return `${bot.slice(0, 8)}-${bot.slice(8)}-4000-8000-${update}`;
}

/**
 * What keeps its order: the chat, or the user where an update has none. A press
 * of "cancel" or "stop" stands alone, as it must not wait behind what it is to end.
 */
export function chatKey(update: IncomingUpdate): string {
  if (isUrgent(update)) return `urgent:${update.update_id}`;
  for (const part of Object.values(update)) {
    const id = chatIdIn(part);
    if (id !== undefined) return String(id);
  }
  return "none";
}

function isUrgent({ callback_query: press, stopped_message_generation }: IncomingUpdate): boolean {
  if (stopped_message_generation !== undefined) return true;
  return typeof press === "object" && press !== null && "data" in press &&
    typeof press.data === "string" && press.data.startsWith("cancel:");
}

function chatIdIn(part: unknown): number | undefined {
  if (typeof part !== "object" || part === null) return undefined;
  const { chat, message, from } = part as Record<string, unknown>;
  return idOf(chat) ?? chatIdIn(message) ?? idOf(from);
}

function idOf(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  return typeof value.id === "number" ? value.id : undefined;
}
