/** The CacheActor's states: memory alone, Redis up, lost and back. */
import assert from "node:assert/strict";
import { createActor, fromCallback, fromPromise, SimulatedClock } from "xstate";
import { cacheMachine, type CacheWork } from "../actors/cache.ts";
import { ask } from "../lib/ask.ts";
import type { RedisReport } from "../lib/cache/redis.ts";
import { serving } from "../lib/serve.ts";
import { settle } from "./support/machines.ts";

function startCache(hasRedis: boolean) {
  const clock = new SimulatedClock();
  const world = { pings: 0, answersPing: true, connected: 0 };
  const where: string[] = [];
  let report: (report: RedisReport) => void = () => {};
  const cache = createActor(
    cacheMachine.provide({
      actors: {
        connection: fromCallback(({ sendBack }) => {
          report = sendBack;
          world.connected++;
          return () => {
            world.connected--;
          };
        }),
        ping: fromPromise(() => {
          world.pings++;
          return world.answersPing ? Promise.resolve() : Promise.reject(new Error("no pong"));
        }),
        work: serving<CacheWork>((work) => {
          where.push(work.where);
          return Promise.resolve(undefined);
        }),
      },
    }),
    { clock, systemId: "cache", input: { hasRedis } },
  ).start();
  return {
    cache,
    clock,
    world,
    where,
    system: cache.system,
    report: (r: RedisReport) => report(r),
  };
}

Deno.test("cache without Redis is ready at once, in the process", async () => {
  const { cache, where, system } = startCache(false);
  assert.equal(cache.getSnapshot().value, "memory");
  await ask(system, "cache.get", { key: "k" });
  assert.deepEqual(where, ["memory"]);
});

Deno.test("cache uses Redis once it is up", async () => {
  const { cache, where, system, report } = startCache(true);
  assert.deepEqual(cache.getSnapshot().value, { redis: "connecting" });
  report({ type: "redis.up", version: "7.0.15" });
  assert.equal(cache.getSnapshot().context.note, "Redis 7.0.15");
  await ask(system, "cache.get", { key: "k" });
  assert.deepEqual(where, ["redis"]);
});

Deno.test("cache starts without Redis after five seconds, and takes it when it comes", async () => {
  const { cache, clock, where, system, report } = startCache(true);
  clock.increment(5_000);
  assert.match(cache.getSnapshot().context.note, /does not answer/);
  await ask(system, "cache.get", { key: "k" });
  report({ type: "redis.up", version: "7.0.15" });
  await ask(system, "cache.get", { key: "k" });
  assert.deepEqual(where, ["memory", "redis"]);
});

Deno.test("cache serves from memory while Redis is lost, and takes it back", async () => {
  const { where, system, report } = startCache(true);
  report({ type: "redis.up", version: "7.0.15" });
  report({ type: "redis.down" });
  await ask(system, "cache.get", { key: "k" });
  report({ type: "redis.up", version: "7.0.15" });
  await ask(system, "cache.get", { key: "k" });
  assert.deepEqual(where, ["memory", "redis"]);
});

Deno.test("cache pings Redis every 30 s, and leaves it when there is no answer", async () => {
  const { cache, clock, world, report } = startCache(true);
  report({ type: "redis.up", version: "7.0.15" });
  clock.increment(29_999);
  assert.equal(world.pings, 0);
  clock.increment(1);
  await settle();
  assert.equal(world.pings, 1);
  assert.deepEqual(cache.getSnapshot().value, { redis: { up: "resting" } });
  world.answersPing = false;
  clock.increment(30_000);
  await settle();
  assert.deepEqual(cache.getSnapshot().value, { redis: "away" });
  world.answersPing = true;
  clock.increment(30_000);
  await settle();
  assert.deepEqual(cache.getSnapshot().value, { redis: { up: "resting" } });
});

Deno.test("cache gives its connection back when it stops", async () => {
  const { cache, world, report } = startCache(true);
  report({ type: "redis.up", version: "7.0.15" });
  assert.equal(world.connected, 1);
  cache.send({ type: "stop" });
  await settle();
  assert.equal(world.connected, 0);
  assert.equal(cache.getSnapshot().status, "done");
});
