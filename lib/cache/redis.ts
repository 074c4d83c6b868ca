/** One multiplexed Redis connection for the whole process, which comes back by itself. */
import { Redis } from "ioredis";
import { logger } from "../log.ts";

const TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;
const MAX_RECONNECT_DELAY_MS = 2_000;
const KEY_PREFIX = "document-assistant:";

export type RedisReport = { type: "redis.up"; version: string } | { type: "redis.down" };

export interface RedisConnection {
  ping(): Promise<void>;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  close(): void;
}

/**
 * Opens the connection. Commands fail within 5 s, and at once while Redis is
 * away: nothing queues up behind it.
 */
export function connectRedis(url: string, report: (report: RedisReport) => void): RedisConnection {
  const log = logger("cache");
  const redis = new Redis(url, {
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    keyPrefix: KEY_PREFIX,
    retryStrategy: (attempt) => Math.min(100 * attempt, MAX_RECONNECT_DELAY_MS),
  });
  let isUp = false;
  redis.on("ready", async () => {
    const version = await serverVersion(redis);
    isUp = true;
    report({ type: "redis.up", version });
  });
  redis.on("close", () => {
    if (!isUp) return;
    isUp = false;
    report({ type: "redis.down" });
  });
  redis.on("error", (error) => log.debug("Redis: {message}", { message: error.message }));

  return {
    async ping() {
      await redis.ping();
    },
    async get(key) {
      return await redis.get(key) ?? undefined;
    },
    async set(key, value, ttlSeconds) {
      await redis.set(key, value, "EX", ttlSeconds);
    },
    close() {
      redis.removeAllListeners();
      redis.on("error", () => {/* nobody waits for this connection any more */});
      redis.disconnect();
    },
  };
}

async function serverVersion(redis: Redis): Promise<string> {
  const info = await redis.info("server").catch(() => "");
  return /redis_version:(\S+)/.exec(info)?.[1] ?? "of unknown version";
}
