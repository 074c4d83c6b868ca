/** The supervisor's promises: order, restarts, giving up, and an end on every path. */
import assert from "node:assert/strict";
import { createMachine, type EventFromLogic, type SnapshotFrom } from "xstate";
import { ChildEndedError, ChildOverdueError, createSupervisor } from "../actors/supervisor.ts";
import { explore } from "./support/explore.ts";
import { startSupervisor } from "./support/machines.ts";

Deno.test("supervisor starts children in order and is then running", () => {
  const { journal, supervisor, emitted } = startSupervisor(["db", "cache", "bot"]);
  assert.deepEqual(journal, ["+db", "+cache", "+bot"]);
  assert.equal(supervisor.getSnapshot().value, "running");
  assert.deepEqual(emitted, ["child.started db", "child.started cache", "child.started bot"]);
});

Deno.test("supervisor starts the next child only when the one before is ready", () => {
  const { journal, supervisor } = startSupervisor(["db", "cache"], { db: { slow: true } });
  assert.deepEqual(journal, ["+db"]);
  supervisor.send({ type: "child.ready", id: "db", note: "" });
  assert.deepEqual(journal, ["+db", "+cache"]);
});

Deno.test("supervisor stops children in reverse order", () => {
  const { journal, supervisor, emitted } = startSupervisor(["db", "cache", "bot"]);
  supervisor.send({ type: "stop" });
  assert.deepEqual(journal.filter((line) => line.startsWith("-")), ["-bot", "-cache", "-db"]);
  assert.equal(supervisor.getSnapshot().value, "stopped");
  assert.deepEqual(emitted.slice(3), [
    "child.stopped bot",
    "child.stopped cache",
    "child.stopped db",
  ]);
});

Deno.test("supervisor kills a child that outlives its stop time-out", () => {
  const { journal, clock, supervisor, emitted } = startSupervisor(["db", "bot"], {
    bot: { stubborn: true },
  });
  supervisor.send({ type: "stop" });
  assert.equal(supervisor.getSnapshot().value, "stopping");
  clock.increment(4_999);
  assert.equal(supervisor.getSnapshot().value, "stopping");
  clock.increment(1);
  assert.deepEqual(journal.slice(2), ["~bot", "-db", "~db"]);
  assert.equal(supervisor.getSnapshot().value, "stopped");
  assert.deepEqual(emitted.slice(2), ["child.killed bot", "child.stopped db"]);
});

Deno.test("supervisor restarts only the crashed child, after the backoff", () => {
  const { journal, clock, supervisor } = startSupervisor(["db", "cache"]);
  supervisor.system.get("db").send({ type: "crash" });
  assert.equal(supervisor.system.get("db"), undefined);
  clock.increment(499);
  assert.equal(journal.filter((line) => line === "+db").length, 1);
  clock.increment(1);
  assert.deepEqual(journal.filter((line) => line.startsWith("+")), ["+db", "+cache", "+db"]);
  assert.equal(supervisor.getSnapshot().value, "running");
});

Deno.test("supervisor restarts a child that ended without being asked to", () => {
  const { journal, clock, supervisor } = startSupervisor(["db", "cache"]);
  supervisor.system.get("cache").send({ type: "end" });
  clock.increment(500);
  assert.deepEqual(journal.filter((line) => line.startsWith("+")), ["+db", "+cache", "+cache"]);
});

Deno.test("supervisor gives up after too many restarts in the period", () => {
  const { clock, supervisor, journal } = startSupervisor(["db", "cache"]);
  for (let n = 0; n < 6; n++) {
    supervisor.system.get("db").send({ type: "crash" });
    clock.increment(500 * 2 ** n);
  }
  assert.equal(supervisor.getSnapshot().value, "failed");
  assert.match(String(supervisor.getSnapshot().output?.failure), /db crashed/);
  assert.equal(journal.at(-2), "-cache", "the others are stopped, not dropped");
});

Deno.test("supervisor names the child that ended too often", () => {
  const { clock, supervisor } = startSupervisor(["db"], {}, {
    maxRestarts: 0,
    periodMs: 1_000,
    backoffMs: 1,
  });
  supervisor.system.get("db").send({ type: "end" });
  clock.increment(0);
  assert.ok(supervisor.getSnapshot().output?.failure instanceof ChildEndedError);
});

Deno.test("supervisor forgives a restart once its period is over", () => {
  const { clock, supervisor } = startSupervisor(["db"]);
  for (let n = 0; n < 20; n++) {
    supervisor.system.get("db").send({ type: "crash" });
    clock.increment(60_000);
  }
  assert.equal(supervisor.getSnapshot().value, "running");
  assert.equal(supervisor.getSnapshot().context.restarts, 0);
});

Deno.test("supervisor fails, stopping what it started, when a child is never ready", () => {
  const { journal, clock, supervisor } = startSupervisor(["db", "cache", "bot"], {
    cache: { slow: true },
  });
  assert.deepEqual(journal, ["+db", "+cache"]);
  clock.increment(10_000);
  assert.deepEqual(journal.filter((line) => line.startsWith("-")), ["-cache", "-db"]);
  assert.equal(supervisor.getSnapshot().value, "failed");
  assert.ok(supervisor.getSnapshot().output?.failure instanceof ChildOverdueError);
});

Deno.test("supervisor restarts again a restarted child that is not ready in its time", () => {
  const odd = { db: { slow: false } };
  const { journal, clock, supervisor } = startSupervisor(["db"], odd);
  supervisor.system.get("db").send({ type: "crash" });
  odd.db.slow = true;
  clock.increment(500);
  clock.increment(9_999);
  assert.equal(journal.filter((line) => line === "+db").length, 2);
  clock.increment(1);
  clock.increment(1_000);
  assert.equal(journal.filter((line) => line === "+db").length, 3);
});

Deno.test("supervisor can be stopped while it is starting", () => {
  const { journal, supervisor } = startSupervisor(["db", "cache", "bot"], {
    cache: { slow: true },
  });
  supervisor.send({ type: "stop" });
  assert.deepEqual(journal.filter((line) => line.startsWith("-")), ["-cache", "-db"]);
  assert.equal(supervisor.getSnapshot().value, "stopped");
});

Deno.test("supervisor stops while a crashed child waits for its restart", () => {
  const { clock, supervisor } = startSupervisor(["db", "cache"]);
  supervisor.system.get("cache").send({ type: "crash" });
  supervisor.send({ type: "stop" });
  assert.equal(supervisor.getSnapshot().value, "stopped");
  clock.increment(60_000);
  assert.deepEqual(Object.keys(supervisor.getSnapshot().children), []);
});

const ids = ["db", "cache", "bot"];
const machine = createSupervisor(ids.map((id) => ({ id, logic: createMachine({}) })), {
  maxRestarts: 2,
  periodMs: 60_000,
  backoffMs: 500,
});
type Event = EventFromLogic<typeof machine>;
type State = SnapshotFrom<typeof machine>;

/** All that can happen to the supervisor in a given state. */
function possibleEvents({ context: { started, down } }: State): Event[] {
  const up = ids.slice(0, started).filter((id) => !down.includes(id));
  return [
    { type: "stop" },
    ...up.map((id) => ({ type: "child.ready", id, note: "" }) as const),
    ...up.map((id) => ({ type: "overdue", id }) as const),
    ...up.map((id) => ({ type: `xstate.error.actor.${id}`, actorId: id, error: "boom" }) as const),
    ...up.map((id) =>
      ({ type: `xstate.done.actor.${id}`, actorId: id, output: undefined }) as const
    ),
    ...down.map((id) => ({ type: "restart", id }) as const),
  ];
}

Deno.test("supervisor has stopped every child, on each path to its end", () => {
  const states = explore(machine, possibleEvents);
  const names = new Set(states.map(({ value }) => value));
  assert.deepEqual(names, new Set(["starting", "running", "stopping", "stopped", "failed"]));
  for (const { status, children } of states) {
    if (status === "done") assert.deepEqual(children, {});
  }
});
