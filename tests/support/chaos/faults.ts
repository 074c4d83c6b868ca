/** What breaks while the bot works, by chance: processes, connections, servers, and Telegram's mood. */
import type { Sql } from "postgres";
import type { Faults } from "../../../lib/demo/faults.ts";
import type { Tear } from "./count.ts";
import type { Proxy } from "./proxy.ts";
import type { Random } from "./random.ts";
import { type Replica, wait } from "./replica.ts";

/** Pauses between two faults, in milliseconds. */
const PAUSE_MS = [100, 1_000] as const;
const RESTART_MS = 500;
const AWAY_MS = [300, 2_000] as const;

export interface Breakable {
  replicas: readonly Replica[];
  telegram: Proxy;
  faults: Faults;
  database: Proxy;
  redis: Proxy;
  /** Straight to the server, past the proxy. */
  sql: Sql;
  random: Random;
}

export interface Breaker {
  /** How often each fault came. */
  readonly done: Record<string, number>;
  readonly tears: readonly Tear[];
  /** Breaks one thing after the other until the signal aborts; then everything is whole again. */
  run(signal: AbortSignal): Promise<void>;
}

export function createBreaker(
  { replicas, telegram, faults, database, redis, sql, random }: Breakable,
): Breaker {
  const tears: Tear[] = [];
  const done: Record<string, number> = {};

  /** Notes which updates are in work around `tear`, as the queue has them. */
  async function tearing(kind: Tear["kind"], tear: () => unknown, pid?: number): Promise<void> {
    const [now] = await sql<[{ begun: string }]>`select clock_timestamp()::text as begun`;
    // A dead process changes nothing any more, but one whose connection is cut works on.
    const before = kind === "kill" ? [] : await inWork(sql, now.begun);
    await tear();
    const updateIds = new Set([...before, ...await inWork(sql, now.begun)]);
    tears.push({ kind, updateIds, ...(pid !== undefined && { pid }) });
  }

  async function kill(): Promise<void> {
    const up = replicas.filter(({ isUp }) => isUp);
    // The last one is left: what nobody takes is no news.
    if (up.length < 2) return;
    count("kill -9");
    const victim = random.pick(up);
    const pauseMs = random.between(0, RESTART_MS);
    await tearing(
      "kill",
      () => victim.kill((signal) => wait(pauseMs, signal)),
      victim.pid,
    );
  }

  async function goAway(proxy: Proxy, signal: AbortSignal): Promise<void> {
    proxy.away();
    await wait(random.between(...AWAY_MS), signal);
    proxy.back();
  }

  function telegramAnswers(code: number, description: string, retryAfter?: number): void {
    faults.add({
      method: "sendMessage",
      times: random.between(1, 3),
      kind: { code, description, ...(retryAfter !== undefined && { retryAfter }) },
    });
  }

  const count = (name: string) => done[name] = (done[name] ?? 0) + 1;
  const counted =
    (name: string, work: (signal: AbortSignal) => unknown) => async (signal: AbortSignal) => {
      count(name);
      await work(signal);
    };
  const others = [
    counted(
      "sessions of PostgreSQL terminated",
      () => tearing("database", () => terminateBackends(sql, random)),
    ),
    counted("PostgreSQL away", (signal) => tearing("database", () => goAway(database, signal))),
    counted("connections to Redis cut", () => redis.cut()),
    counted("Redis away", (signal) => goAway(redis, signal)),
    counted("connections to Telegram reset", () => tearing("telegram", () => telegram.cut())),
    counted("Telegram 429", () => telegramAnswers(429, "Too Many Requests: retry after 1", 1)),
    counted("Telegram 502", () => telegramAnswers(502, "Bad Gateway")),
  ];

  return {
    done,
    tears,
    async run(signal) {
      // Dealt like cards, so that a short run has some of each.
      let deck: ((signal: AbortSignal) => unknown)[] = [];
      while (!signal.aborted) {
        await wait(random.between(...PAUSE_MS), signal);
        if (signal.aborted) break;
        if (deck.length === 0) deck = random.shuffle([kill, kill, kill, ...others]);
        await deck.pop()?.(signal);
      }
    },
  };
}

/** Ends the sessions of some of this database's users, as an administrator would. */
async function terminateBackends(sql: Sql, random: Random): Promise<void> {
  const share = random.pick([0.3, 1]);
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and random() < ${share}`;
}

/** The updates that are being handled, or were when something broke and will be again, or since `begun`. */
async function inWork(sql: Sql, begun: string): Promise<number[]> {
  const rows = await sql<{ update_id: string }[]>`
    select data ->> 'update_id' as update_id from pgboss.job
    where name = 'updates' and (state in ('active', 'retry') or completed_on >= ${begun}::timestamptz)`;
  return rows.map(({ update_id }) => Number(update_id));
}
