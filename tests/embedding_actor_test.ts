/** When passages get their vectors: at once, again after failures, and never twice at a time. */
import assert from "node:assert/strict";
import { createActor, fromPromise, SimulatedClock } from "xstate";
import { embeddingMachine, LOOK_MS, PAUSE_MS } from "../actors/embedding.ts";
import type { EmbeddedBatch } from "../lib/retrieval/embed_passages.ts";
import { settle } from "./support/machines.ts";

const MADE: EmbeddedBatch = { outcome: "made", passages: 3 };
const NOTHING: EmbeddedBatch = { outcome: "nothing" };
const FAILED: EmbeddedBatch = { outcome: "failed", reason: "rate_limit" };

function startEmbedding({ isOn = true } = {}) {
  const clock = new SimulatedClock();
  const batches: { end(batch: EmbeddedBatch): Promise<void>; fail(): Promise<void> }[] = [];
  const world = { aborted: 0 };
  const embed = fromPromise<EmbeddedBatch>(({ signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<EmbeddedBatch>();
    signal.addEventListener("abort", () => world.aborted++, { once: true });
    batches.push({
      end: (batch) => {
        resolve(batch);
        return settle();
      },
      fail: () => {
        reject(new Error("the database is away"));
        return settle();
      },
    });
    return promise;
  });
  const logic = embeddingMachine.provide({ actors: { embed } });
  const embedding = createActor(logic, { clock, input: { isOn } }).start();
  return { embedding, clock, batches, world };
}

Deno.test("embedding begins with what a process before it has left, and goes on to the last batch", async () => {
  const { embedding, batches } = startEmbedding();
  assert.equal(batches.length, 1);
  await batches[0]?.end(MADE);
  await batches[1]?.end(MADE);
  await batches[2]?.end(NOTHING);
  assert.equal(batches.length, 3);
  assert.equal(embedding.getSnapshot().value, "resting");
});

Deno.test("embedding is woken by a document that is ready, also by one that came while it looked", async () => {
  const { embedding, batches } = startEmbedding();
  embedding.send({ type: "wake" });
  assert.equal(batches.length, 1);
  await batches[0]?.end(NOTHING);
  assert.equal(batches.length, 2);
  await batches[1]?.end(NOTHING);
  assert.equal(batches.length, 2);
  embedding.send({ type: "wake" });
  assert.equal(batches.length, 3);
});

Deno.test("embedding looks by itself for what other replicas have left", async () => {
  const { clock, batches } = startEmbedding();
  await batches[0]?.end(NOTHING);
  clock.increment(LOOK_MS - 1);
  assert.equal(batches.length, 1);
  clock.increment(1);
  assert.equal(batches.length, 2);
});

Deno.test("embedding pauses longer with each failure in a row, whoever wakes it", async () => {
  const { embedding, clock, batches } = startEmbedding();
  await batches[0]?.end(FAILED);
  embedding.send({ type: "wake" });
  clock.increment(PAUSE_MS - 1);
  assert.equal(batches.length, 1);
  clock.increment(1);
  await batches[1]?.fail();
  clock.increment(2 * PAUSE_MS - 1);
  assert.equal(batches.length, 2);
  clock.increment(1);
  await batches[2]?.end(MADE);
  await batches[3]?.end(FAILED);
  clock.increment(PAUSE_MS);
  assert.equal(batches.length, 5, "a success has made the pause short again");
});

Deno.test("embedding ends with its parent in the middle of a batch", () => {
  const { embedding, world } = startEmbedding();
  embedding.stop();
  assert.equal(world.aborted, 1);
});

Deno.test("embedding without a model never does anything", () => {
  const { embedding, clock, batches } = startEmbedding({ isOn: false });
  embedding.send({ type: "wake" });
  clock.increment(LOOK_MS);
  assert.equal(batches.length, 0);
});
