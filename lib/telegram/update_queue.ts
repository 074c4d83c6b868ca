/**
 * The durable queue of updates, on pg-boss: stored once by `update_id`, in order
 * within a chat, chats in parallel, and taken over by another replica when the
 * one that works on it dies. It shares the database's own connections.
 */
import { type Db, type JobAttempt, PgBoss } from "pg-boss";
import type { Sql, TransactionSql } from "postgres";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import { batched } from "../batched.ts";
import { isConnectionLost } from "../db/database.ts";
import { inTime } from "../db/in_time.ts";
import { logger } from "../log.ts";
import { orderByUpdateId } from "./chat_order.ts";
import { ClaimLostError, type Claims, keepClaims } from "./claims.ts";
import { type BuriedLetter, bury, dropDead } from "./dead_letters.ts";
import { type Noted, noteSent, readNotes, type SentMessages } from "./sent_messages.ts";
import {
  hurry,
  noteAlive,
  noteBegun,
  noteLast,
  putBack,
  QUEUE,
  reclaimSilent,
  renewTries,
  setAside,
  type Try,
} from "./tries.ts";
import { afterTry, isSuspect, isUsedUp, type Tries } from "./patience.ts";
import { vacuumByNumber } from "./queue_vacuum.ts";
import { chatKey, jobId, storable } from "./queued_update.ts";
import { type Taken, takeNext } from "./take_next.ts";

/** Old updates are deleted this often, in batches of the engine's. */
const DELETE_S = 3_600;
const SUPERVISE_S = 5;
/** Handled updates are kept this long to recognise a repeated delivery; Telegram keeps its own 24 h. */
const REMEMBER_S = 2 * 24 * 3_600;
/** The engine's largest: what a dead process had in hand is taken over long before, by `claims.ts`. */
const EXPIRE_S = 24 * 3_600 - 1;
/** More than an update is ever tried: the engine's own end, `failed`, would hold back its chat for ever. */
const RETRIES = 1_000;
/** A completion that takes longer is made again: less than it takes for its claim to lapse. */
const COMPLETE_MS = 2_000;
/** How soon what could not be noted is tried again. */
const PAY_MS = 250;
/** Updates that are completed in one statement; many more than are ever in hand may wait for it. */
const BATCH = {
  name: "queue",
  size: 100,
  waiting: 10_000,
  // Each is tried once more on a connection of its own: one that broke would have many done twice.
  isCommon: () => false,
};
const OPTIONS = {
  expireInSeconds: EXPIRE_S,
  deleteAfterSeconds: REMEMBER_S,
  retryLimit: RETRIES,
};

/** An update in hand, with its earlier tries. */
export interface StoredUpdate extends Tries {
  id: string;
  update: IncomingUpdate;
  /** Its tries are used up: it is not to be handled again, but to be ended. */
  isDead: boolean;
  /** What this try and earlier ones have sent. */
  sent: SentMessages;
}

export interface UpdateQueue {
  open(): Promise<void>;
  /** Resolves once all are safe; those known already are passed over. */
  store(updates: readonly IncomingUpdate[]): Promise<void>;
  /** Takes at most one update of each chat, and only of chats where none is being handled. */
  take(limit: number, signal: AbortSignal): Promise<StoredUpdate[]>;
  /** Does nothing when another process has taken the update over meanwhile. */
  complete(stored: StoredUpdate): Promise<void>;
  /** Whether files of this album wait to be handled in this chat. */
  albumHasMore(chatId: number, albumId: string): Promise<boolean>;
  /**
   * Gives the update back, to be taken again after a pause that grows with each
   * try; says so if that was the last one: then it is still in hand, to be ended.
   */
  giveBack(stored: StoredUpdate, error: unknown): Promise<"later" | "dead">;
  /** Lets go of an update in hand, which is taken again once its claim has lapsed. */
  abandon(stored: StoredUpdate): void;
  /** Keeps an update that is given up among the dead letters; it is still to be completed. */
  bury(stored: StoredUpdate, reason: string): Promise<void>;
  /** Lets dead letters be handled once more; gives those that are in the queue again. */
  revive(letters: readonly BuriedLetter[]): Promise<BuriedLetter[]>;
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
  /** The tries in hand: of each update, how many there were before. */
  const active = new Map<string, number>();
  /** What could not be noted of tries that are over, as the database was away; by update. */
  const owed = new Map<string, () => Promise<void>>();
  let paying: ReturnType<typeof setTimeout> | undefined;
  /** The one update in hand of which several tries have failed. */
  let suspect: string | undefined;
  let boss: PgBoss | undefined;
  let claims: Claims | undefined;

  const opened = (): PgBoss => {
    if (boss === undefined) throw new Error("Cannot use the queue as it is not open");
    return boss;
  };
  const letGo = ({ id, retries }: Try) => {
    // Another try of it may be in hand by now.
    if (active.get(id) === retries) active.delete(id);
    if (suspect === id) suspect = undefined;
  };
  /** Does it now, or as soon as the database is back. */
  const orOwe = async (id: string, note: () => Promise<void>) => {
    try {
      await note();
    } catch (error) {
      owed.set(id, () => orOwe(id, note));
      // Killed before, it would all be done once more.
      paying ??= setTimeout(payWhatIsOwed, PAY_MS);
      throw error;
    }
  };
  const payWhatIsOwed = async () => {
    clearTimeout(paying);
    paying = undefined;
    const debts = [...owed.values()];
    // What cannot be paid now is owed again.
    owed.clear();
    await Promise.allSettled(debts.map((pay) => pay()));
  };
  const renew = async () => {
    await payWhatIsOwed();
    const inHand = [...active].map(([id, retries]) => ({ id, retries }));
    const { kept, clock } = await renewTries(connect(), inHand);
    const isKept = new Set(kept);
    // Completed meanwhile, or taken over by who took us for dead.
    const lost = inHand.filter((each) =>
      !isKept.has(each.id) && active.get(each.id) === each.retries
    );
    await noteAlive(connect(), lost);
    lost.forEach(letGo);
    return clock;
  };
  const reclaim = (silentMs: number) => reclaimSilent(connect(), [...active.keys()], silentMs);

  // One commit for many: what takes long is the wait for the disk, which all have in common.
  const complete = batched<JobAttempt, void>(async (attempts) => {
    await inTime(COMPLETE_MS, opened().complete(QUEUE, [...attempts]));
  }, BATCH);

  return {
    async open() {
      if (boss !== undefined) return;
      const engine = new PgBoss({
        db: overDriver(connect()),
        backend: kind,
        schedule: false,
        superviseIntervalSeconds: SUPERVISE_S,
        monitorIntervalSeconds: SUPERVISE_S,
        maintenanceIntervalSeconds: DELETE_S,
      });
      engine.on("error", (error) => log.warn("Queue: {error}", { error }));
      engine.on("warning", ({ message }) => log.warn("Queue: {message}", { message }));
      try {
        await engine.start();
        await engine.createQueue(QUEUE, { policy: "key_strict_fifo", ...OPTIONS });
        // One that was created by an earlier version.
        await engine.updateQueue(QUEUE, OPTIONS);
        await orderByUpdateId(connect(), QUEUE);
        if (kind === "postgres") await vacuumByNumber(connect());
        // The embedded database is one process's alone: what is in work was the last one's.
        if (kind === "pglite") await reclaim(0);
      } catch (error) {
        await engine.stop({ graceful: false, close: false });
        throw error;
      }
      boss = engine;
      claims = keepClaims({ renew, reclaim, onClockSet: () => hurry(connect()) });
    },
    async store(updates) {
      const jobs = updates.map((update) => ({
        id: jobId(botId, update.update_id),
        data: storable(update),
        singletonKey: chatKey(update),
      }));
      // In one order everywhere: replicas that store the same ones would else wait for each other.
      jobs.sort((a, b) => a.id < b.id ? -1 : Number(a.id > b.id));
      await opened().insert(QUEUE, jobs);
    },
    async take(limit, signal) {
      opened();
      const takenAt = performance.now();
      /** Renewals from then on are of these as well. */
      let heldSince = Infinity;
      const assertClaimed = ({ id, retries }: Try) => {
        // On the embedded database there is nobody to take it over.
        const isHeld = kind === "pglite" || claims?.holds(takenAt, heldSince) === true;
        if (!isHeld || active.get(id) !== retries) throw new ClaimLostError();
      };
      const jobs = await takeNext(connect(), limit);
      const tried = jobs.flatMap(({ id, retries }) => retries > 0 ? [id] : []);
      const notes = await readNotes(connect(), tried);
      const all = jobs.map((job) => storedUpdate(job, connect, assertClaimed, notes.get(job.id)));
      // Two at once would die of each other, and nobody could tell which one is to blame.
      const [first, ...others] = all.filter((stored) => !stored.isDead && isSuspect(stored));
      const aside = suspect === undefined || first === undefined ? others : [first, ...others];
      // Nobody renews these, so whatever becomes of this word, they are taken again.
      await setAside(connect(), aside).catch((error) =>
        log.debug("Cannot set aside: {error}", { error })
      );
      const taken = all.filter((stored) => !aside.includes(stored));
      if (!signal.aborted) await noteBegun(connect(), taken);
      if (signal.aborted) {
        // Nobody handles them; that was no try of theirs.
        await setAside(connect(), taken);
        return [];
      }
      heldSince = performance.now();
      for (const { id, retries } of taken) active.set(id, retries);
      if (first !== undefined && taken.includes(first)) suspect = first.id;
      return taken;
    },
    async complete(stored) {
      stored.sent.end();
      const done = async () => {
        await complete(attemptOf(stored));
        letGo(stored);
      };
      await orOwe(stored.id, done).catch((error) => {
        // It is handled, and stays in hand until that can be noted.
        if (!isConnectionLost(error)) throw error;
        log.debug("Cannot complete an update yet: {error}", { error });
      });
    },
    async giveBack(stored, error) {
      const ended = { stored, error };
      if (isUsedUp(afterTry(stored, error))) {
        await noteLast(connect(), ended);
        return "dead";
      }
      const wasHeld = active.get(stored.id) === stored.retries;
      letGo(stored);
      await orOwe(stored.id, async () => {
        const isBack = await putBack(connect(), ended);
        if (!isBack && wasHeld) await noteAlive(connect(), [stored]);
      });
      return "later";
    },
    abandon: letGo,
    async bury({ update, retries }, reason) {
      await bury(connect(), {
        botId,
        updateId: update.update_id,
        chatKey: chatKey(update),
        update,
        reason,
        tries: retries,
      });
    },
    async revive(letters) {
      const revived: BuriedLetter[] = [];
      for (const letter of letters) {
        const id = jobId(letter.botId, letter.updateId);
        const isBack = await connect().begin(async (tx) => {
          const [last] = await tx`
            select 1 from pgboss.job where name = ${QUEUE} and id = ${id} and state <> 'completed'`;
          // Its end is not completed yet, so the queue still has it.
          if (last !== undefined) return false;
          await tx`delete from pgboss.job where name = ${QUEUE} and id = ${id}`;
          await tx`delete from sent_messages where job_id = ${id}`;
          const job = { id, data: letter.update, singletonKey: letter.chatKey };
          await opened().insert(QUEUE, [job], { db: overDriver(tx) });
          await dropDead(tx, letter);
          return true;
        });
        if (isBack) revived.push(letter);
      }
      return revived;
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
      await claims?.end();
      await payWhatIsOwed();
      clearTimeout(paying);
      await boss?.stop({ graceful: false, close: false });
      boss = undefined;
    },
  };
}

/** An update as the engine hands it out, with what is known of its earlier tries. */
function storedUpdate(
  { id, data, retries, output }: Taken,
  sql: () => Sql,
  assertClaimed: (attempt: Try) => void,
  earlier: Noted = new Map(),
): StoredUpdate {
  const tries = { retries, waits: output?.waits ?? 0, failures: output?.failures ?? 0 };
  const isUnclear = retries > 0 && output?.isUnclear !== false;
  const sent = noteSent({
    jobId: id,
    sql,
    earlier,
    isUnclear,
    assertClaimed: () => assertClaimed({ id, retries }),
  });
  return { id, update: data, ...tries, isDead: isUsedUp(tries), sent };
}

/** Names one try of an update, as another process may have taken it over meanwhile. */
function attemptOf({ id, retries }: StoredUpdate): JobAttempt {
  return { id, retryCount: retries };
}

/** A script of the engine's, which brings its own transaction. */
const SCRIPT = /^\s*BEGIN;([\s\S]*)COMMIT;\s*$/i;

/** pg-boss's port to a database, over our driver; within a transaction it runs no scripts. */
function overDriver(sql: Sql | TransactionSql): Db {
  return {
    async executeSql(text, values) {
      const script = SCRIPT.exec(text)?.[1];
      if (script !== undefined && "begin" in sql) {
        // The driver's own transaction: one that fails is rolled back before its connection is used again.
        const { rows } = await sql.begin(async (tx) => ({ rows: rowsOf(await tx.unsafe(script)) }));
        return { rows };
      }
      // The engine's texts are few: parsed once a connection, and each one round trip.
      const run = values?.length
        ? sql.unsafe(text, values as never[], { prepare: true })
        : sql.unsafe(text);
      return { rows: rowsOf(await run) };
    },
  };
}

/** The rows of every statement: a script's result is a list for each. */
function rowsOf(result: readonly unknown[]): unknown[] {
  return result.some(Array.isArray) ? result.flat() : [...result];
}
