/**
 * The two stores behind the CacheActor: Redis, and a bounded memory of the
 * process. What Redis cannot do just now, the memory does.
 */
import { LRUCache } from "lru-cache";
import { connectRedis, type RedisConnection, type RedisReport } from "./redis.ts";

/** Bytes of values kept in the process, about; the oldest unused go first. */
const MEMORY_BYTES = 32 * 1024 * 1024;
const MEMORY_ENTRIES = 10_000;

export type Where = "redis" | "memory";

export interface CacheStore {
  /** Connects to Redis, and reports whenever that is up or down, until the returned end is called. */
  connect(report: (report: RedisReport) => void): () => void;
  /** Milliseconds until Redis answered; throws when it does not. */
  ping(): Promise<number>;
  get(where: Where, key: string): Promise<string | undefined>;
  set(where: Where, key: string, value: string, ttlSeconds: number): Promise<void>;
}

export function createCacheStore(redisUrl: string | undefined): CacheStore {
  const memory = new LRUCache<string, string>({
    max: MEMORY_ENTRIES,
    maxSize: MEMORY_BYTES,
    // Look at the clock each time, instead of keeping a timer that says it is still fresh.
    ttlResolution: 0,
    sizeCalculation: (value, key) => 2 * (value.length + key.length) + 1,
  });
  let redis: RedisConnection | undefined;

  return {
    connect(report) {
      if (redisUrl === undefined) return () => {};
      const connection = connectRedis(redisUrl, report);
      redis = connection;
      return () => {
        redis = undefined;
        connection.close();
      };
    },
    async ping() {
      if (redis === undefined) throw new Error("Cannot ping Redis as there is no connection");
      const start = performance.now();
      await redis.ping();
      return performance.now() - start;
    },
    async get(where, key) {
      if (where === "redis" && redis !== undefined) {
        try {
          return await redis.get(key);
        } catch {
          // The connection's own report tells of the failure; the memory is the answer to it.
        }
      }
      return memory.get(key);
    },
    async set(where, key, value, ttlSeconds) {
      if (where === "redis" && redis !== undefined) {
        try {
          return await redis.set(key, value, ttlSeconds);
        } catch {
          // As above.
        }
      }
      memory.set(key, value, { ttl: ttlSeconds * 1_000 });
    },
  };
}
