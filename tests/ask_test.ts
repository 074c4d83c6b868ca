/** Asks and tells: replies, chunks, deadlines, and what happens when nobody is there. */
import assert from "node:assert/strict";
import { createActor, setup } from "xstate";
import type { Ask } from "../actors/protocol.ts";
import { ActorUnavailableError, ask, AskTimeoutError, tell } from "../lib/ask.ts";

/** An actor under the name `ai` that keeps its asks for the test to answer. */
function startKeeper() {
  const asks: Ask<"ai.answer">[] = [];
  const keeper = createActor(
    setup({ types: { events: {} as Ask<"ai.answer"> | { type: "stop" } } }).createMachine({
      initial: "up",
      states: {
        up: {
          on: {
            "ai.answer": { actions: ({ event }) => asks.push(event) },
            stop: "down",
          },
        },
        down: { type: "final" },
      },
    }),
    { systemId: "ai" },
  ).start();
  return { keeper, system: keeper.system, asks };
}

const question = {
  key: "k",
  userId: 1,
  language: "en",
  question: "What is it?",
  passages: [],
  history: [],
} as const;
const answered = { kind: "passages", reason: "offline" } as const;

Deno.test("ask gives the reply", async () => {
  const { system, asks } = startKeeper();
  const reply = ask(system, "ai.answer", question);
  asks[0]?.replyTo.resolve(answered);
  assert.deepEqual(await reply, answered);
});

Deno.test("ask hands on the chunks that come before the reply", async () => {
  const { system, asks } = startKeeper();
  const chunks: string[] = [];
  const reply = ask(system, "ai.answer", question, { onChunk: (chunk) => chunks.push(chunk) });
  asks[0]?.replyTo.chunk("It");
  asks[0]?.replyTo.chunk("It is");
  asks[0]?.replyTo.resolve(answered);
  await reply;
  assert.deepEqual(chunks, ["It", "It is"]);
});

Deno.test("ask rejects with what the callee rejects with", async () => {
  const { system, asks } = startKeeper();
  const reply = ask(system, "ai.answer", question);
  asks[0]?.replyTo.reject(new RangeError("too much"));
  await assert.rejects(reply, RangeError);
});

Deno.test("ask ends at its time-out, and so does the callee's signal", async () => {
  const { system, asks } = startKeeper();
  await assert.rejects(ask(system, "ai.answer", question, { timeoutMs: 5 }), AskTimeoutError);
  assert.ok(asks[0]?.signal.reason instanceof AskTimeoutError);
});

Deno.test("ask ends when the asker gives up, and so does the callee's signal", async () => {
  const { system, asks } = startKeeper();
  const asker = new AbortController();
  const reply = ask(system, "ai.answer", question, { signal: asker.signal });
  asker.abort(new Error("left the chat"));
  await assert.rejects(reply, /left the chat/);
  assert.match(String(asks[0]?.signal.reason), /left the chat/);
});

Deno.test("ask rejects at once when the asker has given up before", async () => {
  const { system, asks } = startKeeper();
  await assert.rejects(
    ask(system, "ai.answer", question, { signal: AbortSignal.abort(new Error("too late")) }),
    /too late/,
  );
  assert.equal(asks.length, 0);
});

Deno.test("ask rejects at once when the callee stops", async () => {
  const { keeper, system, asks } = startKeeper();
  const reply = ask(system, "ai.answer", question);
  keeper.send({ type: "stop" });
  await assert.rejects(reply, ActorUnavailableError);
  assert.ok(asks[0]?.signal.aborted, "no work outlives its ask");
});

Deno.test("ask rejects at once when nobody has the name, or it has stopped", async () => {
  const { keeper, system } = startKeeper();
  await assert.rejects(ask(system, "cache.get", { key: "k" }), ActorUnavailableError);
  keeper.send({ type: "stop" });
  await assert.rejects(ask(system, "ai.answer", question), ActorUnavailableError);
});

Deno.test("what nobody receives is counted as a dead letter", async () => {
  const counted: unknown[] = [];
  const metrics = createActor(
    setup({ types: { events: {} as { type: string } } }).createMachine({
      on: { "metrics.count": { actions: ({ event }) => counted.push(event) } },
    }),
    { systemId: "metrics" },
  ).start();
  await assert.rejects(ask(metrics.system, "cache.get", { key: "k" }), ActorUnavailableError);
  assert.deepEqual(counted, [
    { type: "metrics.count", name: "actor.dead_letters", tags: { message: "cache.get" } },
  ]);
  metrics.stop();
  tell(metrics.system, "metrics.count", { name: "too late" });
  assert.equal(counted.length, 1);
});
