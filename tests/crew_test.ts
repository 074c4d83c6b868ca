/** The crew of a machine: many at once, told of together, stopped with it. */
import assert from "node:assert/strict";
import { createActor, setup } from "xstate";
import { crew, type CrewReport } from "../lib/crew.ts";
import { settle } from "./support/machines.ts";

/** A crew whose work the test ends, within a machine that notes its reports. */
function startCrew() {
  const reports: number[] = [];
  const works: { item: string; end(): void; signal: AbortSignal }[] = [];
  const logic = crew<string>((item, signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    works.push({ item, end: resolve, signal });
    return promise;
  });
  const machine = setup({
    types: { events: {} as CrewReport },
    actors: { crew: logic },
    actions: { note: ({ event }) => reports.push(event.count) },
  }).createMachine({
    invoke: { id: "crew", src: "crew" },
    on: { "crew.done": { actions: "note" } },
  });
  const actor = createActor(machine).start();
  const work = (...items: string[]) =>
    actor.getSnapshot().children["crew"]?.send({ type: "work", items });
  return { actor, reports, works, work };
}

Deno.test("a crew works on all it is given at once", async () => {
  const { works, work, reports } = startCrew();
  work("a", "b");
  work("c");
  await settle();
  assert.deepEqual(works.map(({ item }) => item), ["a", "b", "c"]);
  assert.deepEqual(reports, []);
});

Deno.test("a crew tells once of what ends together, and each time of what does not", async () => {
  const { works, work, reports } = startCrew();
  work("a", "b", "c", "d");
  works.slice(0, 3).forEach(({ end }) => end());
  await settle();
  works[3]?.end();
  await settle();
  assert.deepEqual(reports, [3, 1]);
});

Deno.test("a crew that is stopped aborts what is in work, and tells of nothing more", async () => {
  const { actor, works, work, reports } = startCrew();
  work("a", "b");
  works[0]?.end();
  await settle();
  actor.stop();
  assert.deepEqual(works.map(({ signal }) => signal.aborted), [false, true]);
  works[1]?.end();
  await settle();
  assert.deepEqual(reports, [1]);
});
