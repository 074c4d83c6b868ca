/** Where tests keep things: folders that vanish, and a database of a server for each test. */
import { Redis } from "ioredis";
import postgres from "postgres";

const POSTGRES = Deno.env.get("TEST_DATABASE_URL") ?? "postgres://postgres@127.0.0.1:5432/test";
const REDIS = Deno.env.get("TEST_REDIS_URL") ?? "redis://127.0.0.1:6379";

export interface Folder extends AsyncDisposable {
  readonly path: string;
}

/** An empty folder that is removed at the end. */
export async function emptyFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "assistant-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

export interface Services extends AsyncDisposable {
  /** A database of its own on the server. */
  readonly url: string;
  readonly redisUrl: string;
}

/** The numbered database of Redis that tests have for themselves. */
const REDIS_DATABASE = 9;

/** Creates a database, which is dropped at the end, and empties the tests' part of Redis. */
export async function emptyDatabase(): Promise<Services> {
  const redisUrl = new URL(REDIS);
  redisUrl.pathname = `/${REDIS_DATABASE}`;
  const redis = new Redis(redisUrl.href, { lazyConnect: true });
  await redis.connect();
  await redis.flushdb();
  redis.disconnect();
  const name = `assistant_${crypto.randomUUID().replaceAll("-", "")}`;
  await administer(`create database ${name}`);
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    redisUrl: redisUrl.href,
    [Symbol.asyncDispose]: () => administer(`drop database ${name} with (force)`),
  };
}

async function administer(statement: string): Promise<void> {
  const sql = postgres(POSTGRES, { max: 1, onnotice: () => {}, connect_timeout: 2 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

/** Why tests on servers cannot run here, if they cannot. */
export const missingServices: string | undefined = await findMissing();

async function findMissing(): Promise<string | undefined> {
  try {
    await administer("select 1");
  } catch {
    return `no PostgreSQL answers at ${new URL(POSTGRES).host}`;
  }
  const redis = new Redis(REDIS, {
    lazyConnect: true,
    connectTimeout: 2_000,
    retryStrategy: () => null,
  });
  redis.on("error", () => {/* told below */});
  // Its timers are to end before a test that would take them for leaks begins.
  const ended = new Promise((resolve) => redis.once("end", resolve));
  try {
    await redis.connect();
  } catch {
    return `no Redis answers at ${new URL(REDIS).host}`;
  } finally {
    redis.disconnect();
    await ended;
  }
}

if (missingServices !== undefined) {
  console.log(`Tests on PostgreSQL and Redis are skipped as ${missingServices}.`);
}
