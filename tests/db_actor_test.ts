/** The DbActor's states: connecting, migrating, ready, away and back, draining. */
import assert from "node:assert/strict";
import { createActor, fromPromise, SimulatedClock } from "xstate";
import { DatabaseUnavailableError, dbMachine, type DbServed, MAX_IN_FLIGHT } from "../actors/db.ts";
import type { AsksOf } from "../actors/protocol.ts";
import { ask, OverloadedError } from "../lib/ask.ts";
import { settle } from "./support/machines.ts";

type Outcome = "ok" | "lost" | "hang";

/** A DbActor over a database that the test switches on and off. */
function startDb() {
  const clock = new SimulatedClock();
  const world = { up: true, next: "ok" as Outcome, connects: 0, closed: false };
  const db = createActor(
    dbMachine.provide({
      actors: {
        connect: fromPromise(() => {
          world.connects++;
          return world.up ? Promise.resolve("PostgreSQL 18") : Promise.reject(new Error("refused"));
        }),
        migrate: fromPromise(() => Promise.resolve(1)),
        work: fromPromise<DbServed, AsksOf<"db">>(({ input }) => {
          if (world.next === "hang") return new Promise(() => {});
          if (world.next === "ok") input.replyTo.resolve(undefined as never);
          else input.replyTo.reject(new Error("connection lost"));
          return Promise.resolve({ lost: world.next === "lost" });
        }),
        close: fromPromise(() => {
          world.closed = true;
          return Promise.resolve();
        }),
      },
    }),
    { clock, systemId: "db" },
  ).start();
  return { db, clock, world, system: db.system };
}

Deno.test("db connects, migrates, and is ready with a note of what it found", async () => {
  const { db } = startDb();
  assert.equal(db.getSnapshot().value, "connecting");
  await settle();
  assert.equal(db.getSnapshot().value, "ready");
  assert.equal(db.getSnapshot().context.note, "PostgreSQL 18, 1 migration applied");
});

Deno.test("db fails to start when it cannot connect, with the cause", async () => {
  const clock = new SimulatedClock();
  const db = createActor(
    dbMachine.provide({
      actors: { connect: fromPromise<string>(() => Promise.reject(new Error("no such host"))) },
    }),
    { clock },
  );
  db.subscribe({ error: () => {} });
  db.start();
  await settle();
  assert.equal(db.getSnapshot().status, "error");
  assert.match(String(db.getSnapshot().error), /no such host/);
});

Deno.test("db lost and back: asks are refused meanwhile, and served again", async () => {
  const { db, clock, world, system } = startDb();
  await settle();
  world.next = "lost";
  world.up = false;
  await assert.rejects(ask(system, "db.ping", {}), /connection lost/);
  await settle();
  assert.deepEqual(db.getSnapshot().value, { reconnecting: "waiting" });
  await assert.rejects(ask(system, "db.ping", {}), DatabaseUnavailableError);

  clock.increment(100);
  await settle();
  assert.equal(world.connects, 2);
  clock.increment(199);
  assert.equal(world.connects, 2, "the pause grows");
  world.up = true;
  world.next = "ok";
  clock.increment(1);
  await settle();
  assert.equal(db.getSnapshot().value, "ready");
  await ask(system, "db.ping", {});
});

Deno.test("db never waits longer than five seconds between attempts", async () => {
  const { db, clock, world, system } = startDb();
  await settle();
  Object.assign(world, { next: "lost", up: false });
  await assert.rejects(ask(system, "db.ping", {}));
  await settle();
  for (let n = 0; n < 20; n++) {
    clock.increment(5_000);
    await settle();
  }
  assert.equal(world.connects, 21);
  assert.deepEqual(db.getSnapshot().value, { reconnecting: "waiting" });
});

Deno.test("db refuses above its limit instead of piling up", async () => {
  const { world, system } = startDb();
  await settle();
  world.next = "hang";
  const asker = new AbortController();
  const asks = Array.from(
    { length: MAX_IN_FLIGHT },
    () => ask(system, "db.ping", {}, { signal: asker.signal }),
  );
  await assert.rejects(ask(system, "db.ping", {}), OverloadedError);
  asker.abort();
  await Promise.allSettled(asks);
});

Deno.test("db finishes what is in flight before it closes", async () => {
  const { db, world, system } = startDb();
  await settle();
  const pending = ask(system, "db.ping", {});
  db.send({ type: "stop" });
  assert.equal(world.closed, false);
  await pending;
  await settle();
  assert.equal(world.closed, true);
  assert.equal(db.getSnapshot().status, "done");
});

Deno.test("db closes although a query hangs", async () => {
  const { db, clock, world, system } = startDb();
  await settle();
  world.next = "hang";
  const pending = ask(system, "db.ping", {});
  db.send({ type: "stop" });
  assert.equal(db.getSnapshot().value, "draining");
  clock.increment(4_000);
  await settle();
  assert.equal(db.getSnapshot().status, "done");
  await assert.rejects(pending);
});
