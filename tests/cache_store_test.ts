/** The cache's stores: memory with an end of life, and the Redis of this machine. */
import assert from "node:assert/strict";
import type { RedisReport } from "../lib/cache/redis.ts";
import { createCacheStore } from "../lib/cache/store.ts";
import { missingServices } from "./support/storage.ts";

const REDIS = Deno.env.get("TEST_REDIS_URL") ?? "redis://127.0.0.1:6379";

/** Forwards bytes to a server, until it is cut; what a lost Redis looks like to its client. */
function startProxy(target: URL) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  const { port } = listener.addr;
  const accept = async (open: Deno.Listener) => {
    for await (const client of open) {
      const server = await Deno.connect({
        hostname: target.hostname,
        port: Number(target.port || 6379),
      });
      for (const each of [client, server]) connections.add(each);
      client.readable.pipeTo(server.writable).catch(() => {});
      server.readable.pipeTo(client.writable).catch(() => {});
    }
  };
  let listening: Deno.Listener | undefined = listener;
  let accepting = accept(listener);
  const cut = async () => {
    listening?.close();
    listening = undefined;
    await accepting;
    for (const connection of connections) {
      try {
        connection.close();
      } catch {
        // Its other end has closed it.
      }
    }
    connections.clear();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    cut,
    restore() {
      listening = Deno.listen({ hostname: "127.0.0.1", port });
      accepting = accept(listening);
    },
  };
}

Deno.test("memory keeps a value until its time is over", async () => {
  const store = createCacheStore(undefined);
  await store.set("memory", "key", "value", 100);
  assert.equal(await store.get("memory", "key"), "value");
  assert.equal(await store.get("memory", "another"), undefined);
  await store.set("memory", "short", "value", 0.001);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 5);
  await promise;
  assert.equal(await store.get("memory", "short"), undefined);
});

Deno.test("memory is bounded: the oldest values go first", async () => {
  const store = createCacheStore(undefined);
  const large = "x".repeat(1024 * 1024);
  for (let n = 0; n < 40; n++) await store.set("memory", `key ${n}`, large, 100);
  assert.equal(await store.get("memory", "key 0"), undefined);
  assert.equal(await store.get("memory", "key 39"), large);
});

Deno.test({
  name: "Redis keeps values, is lost and comes back, and the memory serves meanwhile",
  ignore: missingServices !== undefined,
  async fn() {
    const proxy = startProxy(new URL(REDIS));
    const store = createCacheStore(proxy.url);
    let arrival = Promise.withResolvers<RedisReport>();
    const next = async () => {
      const report = await arrival.promise;
      arrival = Promise.withResolvers();
      return report;
    };
    const end = store.connect((report) => arrival.resolve(report));
    const key = crypto.randomUUID();
    try {
      const up = await next();
      assert.equal(up.type, "redis.up");
      await store.set("redis", key, "in Redis", 100);
      assert.equal(await store.get("redis", key), "in Redis");
      assert.equal(await store.get("memory", key), undefined);
      assert.ok(await store.ping() < 5_000);

      await proxy.cut();
      assert.equal((await next()).type, "redis.down");
      await assert.rejects(store.ping());
      await store.set("redis", key, "in memory", 100);
      assert.equal(await store.get("redis", key), "in memory");

      proxy.restore();
      assert.equal((await next()).type, "redis.up");
      assert.equal(await store.get("redis", key), "in Redis");
    } finally {
      end();
      await proxy.cut();
    }
  },
});
