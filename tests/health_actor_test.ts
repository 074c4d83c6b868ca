/** The HealthActor: one check for all who ask, fresh ones on demand, and by itself at intervals. */
import assert from "node:assert/strict";
import { createActor, fromPromise, SimulatedClock } from "xstate";
import { CHECK_INTERVAL_MS, FRESH_MS, healthMachine } from "../actors/health.ts";
import { ask } from "../lib/ask.ts";
import type { HealthReport } from "../lib/health.ts";
import { settle } from "./support/machines.ts";

function startHealth() {
  const clock = new SimulatedClock();
  const world = { checks: 0, hangs: false, fails: false };
  const health = createActor(
    healthMachine.provide({
      actors: {
        check: fromPromise(() => {
          world.checks++;
          if (world.hangs) return new Promise<HealthReport>(() => {});
          if (world.fails) return Promise.reject(new Error("no probes"));
          return Promise.resolve({ timestamp: String(world.checks) } as HealthReport);
        }),
      },
    }),
    { clock, systemId: "health" },
  ).start();
  const check = (fresh = false) => ask(health.system, "health.check", { fresh });
  return { health, clock, world, check };
}

Deno.test("health makes one check for all who ask at once", async () => {
  const { world, check } = startHealth();
  const reports = await Promise.all([check(), check(), check()]);
  assert.deepEqual(reports.map(({ timestamp }) => timestamp), ["1", "1", "1"]);
  assert.equal(world.checks, 1);
});

Deno.test("health gives a report of this second again, unless a fresh one is asked for", async () => {
  const { clock, world, check } = startHealth();
  await check();
  await check();
  assert.equal(world.checks, 1);
  await check(true);
  assert.equal(world.checks, 2);
  clock.increment(FRESH_MS);
  await check();
  assert.equal(world.checks, 3);
});

Deno.test("health checks by itself at intervals", async () => {
  const { clock, world } = startHealth();
  clock.increment(CHECK_INTERVAL_MS);
  assert.equal(world.checks, 1);
  await settle();
  clock.increment(FRESH_MS);
  clock.increment(CHECK_INTERVAL_MS);
  assert.equal(world.checks, 2);
});

Deno.test("health rejects when its check fails or hangs, and goes on", async () => {
  const { clock, world, check } = startHealth();
  world.fails = true;
  await assert.rejects(check(), /no probes/);
  world.fails = false;
  world.hangs = true;
  const hung = check();
  clock.increment(2_000);
  await assert.rejects(hung, /took too long/);
  world.hangs = false;
  await check();
});

Deno.test("health stops while it checks", () => {
  const { health, world, check } = startHealth();
  world.hangs = true;
  check().catch(() => {/* nobody is left to answer it */});
  health.send({ type: "stop" });
  assert.equal(health.getSnapshot().status, "done");
});
