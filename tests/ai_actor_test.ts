/** The AiActor and its attempts: retries, circuit, turns, sharing, and the passages as a fallback. */
import assert from "node:assert/strict";
import { createActor, fromPromise, SimulatedClock } from "xstate";
import { aiMachine, FAILURES_TO_OPEN, MAX_IN_FLIGHT, OPEN_MS, RECENT_MS } from "../actors/ai.ts";
import { type AiReply, attemptMachine, type GenerateInput } from "../actors/attempt.ts";
import {
  AIBlockedError,
  AIHearingError,
  AIQuotaError,
  AIRateLimitError,
  AIServiceError,
  AISpeakingError,
} from "../lib/ai/errors.ts";
import type {
  AnswerReply,
  AnswerRequest,
  EmbeddingKind,
  EmbedReply,
  SpeakReply,
  SpeakRequest,
  TranscribeReply,
  TranscribeRequest,
} from "../lib/ai/provider.ts";
import { ActorUnavailableError, ask, OverloadedError } from "../lib/ask.ts";
import { settle } from "./support/machines.ts";

/** With jitter a pause is at most this much longer than its base. */
const JITTER = 1.1;
const busy = () => new AIServiceError("the server answered 503", { retriable: true });
const answered = (text: string): AnswerReply => ({
  kind: "answer",
  text,
  provider: "fake",
  model: "m",
  promptTokens: 1,
  answerTokens: 1,
});
const heard = (text: string): TranscribeReply => ({
  kind: "transcript",
  segments: [{ start: 0, text }],
  promptTokens: 1,
  answerTokens: 1,
});
const recording = (key: string, userId = 1): TranscribeRequest => ({
  key,
  userId,
  audio: { bytes: new Uint8Array(1), mimeType: "audio/ogg", extension: "ogg" },
});
const said = (text: string): SpeakReply => ({
  kind: "speech",
  bytes: new TextEncoder().encode(text),
  mimeType: "audio/ogg",
  extension: "ogg",
  promptTokens: 1,
  answerTokens: 1,
});
const speech = (key: string, userId = 1): SpeakRequest => ({
  key,
  userId,
  language: "en",
  text: key,
});
const question = (key: string, userId = 1): AnswerRequest => ({
  key,
  userId,
  language: "en",
  question: key,
  passages: [],
  history: [],
});

const near: EmbedReply = { kind: "vectors", vectors: [Float32Array.of(1, 0)] };

interface Call extends GenerateInput {
  signal: AbortSignal;
  answer(text: string): void;
  hear(text: string): void;
  embed(): void;
  say(text: string): void;
  fail(error: unknown): void;
}

/** An AiActor whose calls the test answers one by one. */
function startAi({ concurrency = 8, hasProvider = true } = {}) {
  const clock = new SimulatedClock();
  const calls: Call[] = [];
  const generate = fromPromise<AiReply, GenerateInput>(({ input, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<AiReply>();
    const answer = (text: string) => resolve(answered(text));
    const hear = (text: string) => resolve(heard(text));
    const say = (text: string) => resolve(said(text));
    const embed = () => resolve(near);
    calls.push({ ...input, signal, answer, hear, say, embed, fail: reject });
    return promise;
  });
  const ai = createActor(
    aiMachine.provide({ actors: { attempt: attemptMachine.provide({ actors: { generate } }) } }),
    {
      clock,
      systemId: "ai",
      input: { note: "fake", hasProvider, concurrency, retry: { baseMs: 2_000, retries: 3 } },
    },
  ).start();
  const send = (key: string, userId?: number) => ask(ai.system, "ai.answer", question(key, userId));
  const listen = (key: string, userId?: number) =>
    ask(ai.system, "ai.transcribe", recording(key, userId));
  const speak = (key: string, userId?: number) => ask(ai.system, "ai.speak", speech(key, userId));
  const embed = (key: string, kind: EmbeddingKind = "document") =>
    ask(ai.system, "ai.embed", { key, userId: 1, texts: [key], kind });
  return { ai, clock, calls, send, listen, speak, embed, system: ai.system };
}

/** Fails as many questions in a row as open the circuit. */
async function openCircuit({ calls, send }: ReturnType<typeof startAi>) {
  for (let n = 0; n < FAILURES_TO_OPEN; n++) {
    const reply = send(`failing ${n}`);
    await settle();
    calls.at(-1)?.fail(new AIServiceError("it is down"));
    assert.deepEqual(await reply, { kind: "passages", reason: "unavailable" });
  }
}

Deno.test("ai answers, and keeps nothing of it", async () => {
  const { ai, calls, send } = startAi();
  const reply = send("q");
  calls[0]?.answer("42");
  assert.deepEqual(await reply, answered("42"));
  await settle();
  assert.deepEqual(ai.getSnapshot().children, {});
  assert.deepEqual(ai.getSnapshot().context.byKey, {});
});

Deno.test("ai without a provider says so at once", async () => {
  const { send, calls } = startAi({ hasProvider: false });
  assert.deepEqual(await send("q"), { kind: "passages", reason: "offline" });
  assert.equal(calls.length, 0);
});

Deno.test("ai hands on the text as it is written", async () => {
  const { calls, system } = startAi();
  const texts: string[] = [];
  const reply = ask(system, "ai.answer", question("q"), { onChunk: (text) => texts.push(text) });
  calls[0]?.onText("For");
  calls[0]?.onText("Forty-two");
  calls[0]?.answer("Forty-two");
  await reply;
  assert.deepEqual(texts, ["For", "Forty-two"]);
});

Deno.test("ai retries after 2, 4 and 8 seconds, and then lets the passages stand in", async () => {
  const { clock, calls, send } = startAi();
  const reply = send("q");
  for (const [n, ms] of [2_000, 4_000, 8_000].entries()) {
    calls[n]?.fail(busy());
    await settle();
    clock.increment(ms - 1);
    assert.equal(calls.length, n + 1, `no call before ${ms} ms`);
    clock.increment(ms * (JITTER - 1) + 1);
    assert.equal(calls.length, n + 2, `a call after ${ms} ms`);
  }
  calls[3]?.fail(busy());
  assert.deepEqual(await reply, { kind: "passages", reason: "unavailable" });
});

Deno.test("ai waits as long as the server asks", async () => {
  const { clock, calls, send } = startAi();
  const reply = send("q");
  calls[0]?.fail(new AIRateLimitError("429", { retriable: true, retryAfterMs: 20_000 }));
  await settle();
  clock.increment(19_999);
  assert.equal(calls.length, 1);
  clock.increment(1);
  assert.equal(calls.length, 2);
  calls[1]?.answer("at last");
  assert.deepEqual(await reply, answered("at last"));
});

Deno.test("ai does not keep a user waiting for minutes because a server asks for it", async () => {
  const { calls, send } = startAi();
  const reply = send("q");
  calls[0]?.fail(new AIRateLimitError("429", { retriable: true, retryAfterMs: 120_000 }));
  assert.deepEqual(await reply, { kind: "passages", reason: "rate_limit" });
});

Deno.test("ai does not retry what cannot pass", async () => {
  const { calls, send } = startAi();
  const reply = send("q");
  calls[0]?.fail(new AIBlockedError("it was blocked"));
  assert.deepEqual(await reply, { kind: "passages", reason: "blocked" });
  assert.equal(calls.length, 1);
});

Deno.test("ai makes one call for identical questions, and shows late-comers what is written", async () => {
  const { calls, send, system } = startAi();
  const first = send("same", 1);
  calls[0]?.onText("half");
  const texts: string[] = [];
  const second = ask(system, "ai.answer", question("same", 2), {
    onChunk: (text) => texts.push(text),
  });
  calls[0]?.answer("whole");
  assert.deepEqual(await Promise.all([first, second]), [answered("whole"), answered("whole")]);
  assert.equal(calls.length, 1);
  assert.deepEqual(texts, ["half"]);
});

Deno.test("ai answers a late-comer from what it has just answered, for a moment", async () => {
  const { clock, calls, send } = startAi();
  const first = send("same");
  calls[0]?.answer("just now");
  await first;
  await settle();
  assert.deepEqual(await send("same"), answered("just now"));
  clock.increment(RECENT_MS);
  const later = send("same");
  assert.equal(calls.length, 2);
  calls[1]?.answer("anew");
  assert.deepEqual(await later, answered("anew"));
});

Deno.test("ai aborts the call only when the last asker has given up", async () => {
  const { ai, calls, system } = startAi();
  const askers = [new AbortController(), new AbortController()];
  const replies = askers.map(({ signal }) =>
    ask(system, "ai.answer", question("same"), { signal })
  );
  askers[0]?.abort(new Error("gone"));
  assert.equal(calls[0]?.signal.aborted, false);
  askers[1]?.abort(new Error("gone"));
  assert.equal(calls[0]?.signal.aborted, true);
  await Promise.allSettled(replies);
  await settle();
  assert.deepEqual(ai.getSnapshot().context.running, []);
});

Deno.test("ai lets a user with one question pass a user with many", async () => {
  const { calls, send } = startAi({ concurrency: 2 });
  const many = Array.from({ length: 10 }, (_, n) => send(`many ${n}`, 1));
  const one = send("single", 2);
  assert.equal(calls.length, 2);
  calls[0]?.answer("a");
  await settle();
  assert.equal(calls[2]?.request.key, "single");
  calls[2]?.answer("b");
  assert.deepEqual(await one, answered("b"));
  for (let n = 1; n < 11; n++) {
    calls[n]?.answer("c");
    await settle();
  }
  await Promise.all(many);
});

Deno.test("ai refuses above its limit instead of piling up", async () => {
  const { ai, send } = startAi();
  const asks = Array.from({ length: MAX_IN_FLIGHT }, (_, n) => send(`q${n}`));
  await assert.rejects(send("one more"), OverloadedError);
  ai.stop();
  await Promise.allSettled(asks);
});

Deno.test("ai opens its circuit after failures in a row, and spares the service", async () => {
  const world = startAi();
  await openCircuit(world);
  assert.equal(world.ai.getSnapshot().value, "open");
  const before = world.calls.length;
  assert.deepEqual(await world.send("q"), { kind: "passages", reason: "unavailable" });
  assert.equal(world.calls.length, before);
});

Deno.test("ai half-open lets one attempt through, and closes when it succeeds", async () => {
  const world = startAi();
  await openCircuit(world);
  world.clock.increment(OPEN_MS);
  assert.equal(world.ai.getSnapshot().value, "halfOpen");
  const trial = world.send("trial");
  assert.deepEqual(await world.send("other"), { kind: "passages", reason: "unavailable" });
  world.calls.at(-1)?.answer("back");
  assert.deepEqual(await trial, answered("back"));
  await settle();
  assert.equal(world.ai.getSnapshot().value, "closed");
});

Deno.test("ai half-open opens again when its attempt fails", async () => {
  const world = startAi();
  await openCircuit(world);
  world.clock.increment(OPEN_MS);
  const trial = world.send("trial");
  world.calls.at(-1)?.fail(new AIServiceError("still down"));
  await trial;
  await settle();
  assert.equal(world.ai.getSnapshot().value, "open");
});

Deno.test("ai opens its circuit at once when the quota is used up", async () => {
  const { ai, calls, send } = startAi();
  const reply = send("q");
  calls[0]?.fail(new AIQuotaError("the day's quota is used up"));
  assert.deepEqual(await reply, { kind: "passages", reason: "quota" });
  await settle();
  assert.equal(ai.getSnapshot().value, "open");
  assert.deepEqual(await send("next"), { kind: "passages", reason: "quota" });
});

Deno.test("ai does not open its circuit for questions that are blocked", async () => {
  const { ai, calls, send } = startAi();
  for (let n = 0; n < 2 * FAILURES_TO_OPEN; n++) {
    const reply = send(`q${n}`);
    calls[n]?.fail(new AIBlockedError("no"));
    await reply;
  }
  await settle();
  assert.equal(ai.getSnapshot().value, "closed");
});

Deno.test("ai gives those who wait the passages when its circuit opens", async () => {
  const { calls, send } = startAi({ concurrency: 1 });
  const running = send("running");
  const waiting = send("waiting");
  calls[0]?.fail(new AIQuotaError("used up"));
  assert.deepEqual(await running, { kind: "passages", reason: "quota" });
  assert.deepEqual(await waiting, { kind: "passages", reason: "quota" });
  assert.equal(calls.length, 1);
});

Deno.test("ai finishes the answers in flight before it stops, retries included", async () => {
  const { ai, clock, calls, send } = startAi();
  const reply = send("q");
  calls[0]?.fail(busy());
  await settle();
  ai.send({ type: "stop" });
  assert.equal(ai.getSnapshot().value, "draining");
  await assert.rejects(send("late"), OverloadedError);
  clock.increment(2_000 * JITTER);
  calls[1]?.answer("done");
  assert.deepEqual(await reply, answered("done"));
  await settle();
  assert.equal(ai.getSnapshot().status, "done");
});

Deno.test("ai stops although a call hangs, and its asker learns it", async () => {
  const { ai, clock, send } = startAi();
  const reply = send("q");
  ai.send({ type: "stop" });
  clock.increment(30_000);
  assert.equal(ai.getSnapshot().status, "done");
  await assert.rejects(reply, ActorUnavailableError);
});

Deno.test("ai listens by the same turns and tries as it answers", async () => {
  const { clock, calls, listen, send } = startAi({ concurrency: 1 });
  const many = [listen("part 1"), listen("part 2")];
  const one = send("single", 2);
  calls[0]?.fail(busy());
  await settle();
  clock.increment(2_000 * JITTER);
  calls[1]?.hear("one");
  assert.deepEqual(await many[0], heard("one"));
  await settle();
  // Both wait without a call of their own running, so who came first goes first.
  calls[2]?.hear("two");
  assert.deepEqual(await many[1], heard("two"));
  await settle();
  calls[3]?.answer("a");
  assert.deepEqual(await one, answered("a"));
});

Deno.test("ai tells a question from a recording of the same key", async () => {
  const { calls, listen, send } = startAi();
  const replies = [send("same"), listen("same")];
  calls[0]?.answer("an answer");
  calls[1]?.hear("a voice");
  assert.deepEqual(await Promise.all(replies), [answered("an answer"), heard("a voice")]);
});

Deno.test("ai says why it does not hear, and goes on answering", async () => {
  const { ai, calls, listen } = startAi();
  for (let n = 0; n < FAILURES_TO_OPEN; n++) {
    const reply = listen(`${n}`);
    calls[n]?.fail(new AIHearingError("cannot_hear", "the server answered 404"));
    assert.deepEqual(await reply, { kind: "unheard", reason: "cannot_hear" });
    await settle();
  }
  assert.equal(ai.getSnapshot().value, "closed");
});

Deno.test("ai without a provider hears nothing, and says so at once", async () => {
  const { listen } = startAi({ hasProvider: false });
  assert.deepEqual(await listen("a"), { kind: "unheard", reason: "offline" });
});

Deno.test("ai speaks by the same turns and tries, and identical texts share one call", async () => {
  const { clock, calls, speak, send } = startAi({ concurrency: 1 });
  const both = [speak("same"), speak("same", 2)];
  const question = send("q");
  calls[0]?.fail(busy());
  await settle();
  clock.increment(2_000 * JITTER);
  calls[1]?.say("one");
  assert.deepEqual(await Promise.all(both), [said("one"), said("one")]);
  await settle();
  calls[2]?.answer("a");
  assert.deepEqual(await question, answered("a"));
  assert.deepEqual(await speak("same"), said("one"), "of a moment ago");
  assert.equal(calls.length, 3);
});

Deno.test("ai ends a speech that nobody waits for any more", async () => {
  const { ai, calls, system } = startAi();
  const caller = new AbortController();
  const gone = ask(system, "ai.speak", speech("a"), { signal: caller.signal });
  caller.abort(new Error("gone"));
  await assert.rejects(gone, /gone/);
  await settle();
  assert.ok(calls[0]?.signal.aborted);
  assert.deepEqual(ai.getSnapshot().children, {});
});

Deno.test("ai without a provider says nothing, and why", async () => {
  const { speak } = startAi({ hasProvider: false });
  assert.deepEqual(await speak("a"), { kind: "unspoken", reason: "offline" });
});

Deno.test("a model without a voice says so each time, and is asked again", async () => {
  const { calls, speak } = startAi();
  for (let n = 0; n <= FAILURES_TO_OPEN; n++) {
    const reply = speak(`${n}`);
    calls[n]?.fail(new AISpeakingError("the server answered 404"));
    assert.deepEqual(await reply, { kind: "unspoken", reason: "cannot_speak" });
    await settle();
  }
});

Deno.test("a voice that keeps failing is spared for a time, and questions are answered on", async () => {
  const { ai, clock, calls, send, speak } = startAi();
  const fail = async () => {
    const reply = speak(`failing ${calls.length}`);
    await settle();
    calls.at(-1)?.fail(new AIServiceError("it is down"));
    assert.deepEqual(await reply, { kind: "unspoken", reason: "unavailable" });
    await settle();
  };
  for (let n = 0; n < FAILURES_TO_OPEN; n++) await fail();
  assert.deepEqual(await speak("spared"), { kind: "unspoken", reason: "unavailable" });
  assert.equal(calls.length, FAILURES_TO_OPEN);
  assert.equal(ai.getSnapshot().value, "closed");
  const question = send("q");
  calls.at(-1)?.answer("42");
  assert.deepEqual(await question, answered("42"));

  clock.increment(OPEN_MS);
  await fail();
  assert.deepEqual(await speak("spared again"), { kind: "unspoken", reason: "unavailable" });
  clock.increment(OPEN_MS);
  const heals = speak("heals");
  calls.at(-1)?.say("I am back");
  assert.deepEqual(await heals, said("I am back"));
  await settle();
  await fail();
  const next = speak("one failure is no reason");
  calls.at(-1)?.say("so I speak");
  assert.deepEqual(await next, said("so I speak"));
});

Deno.test("a voice whose quota is used up is spared at once", async () => {
  const { calls, speak } = startAi();
  const first = speak("a");
  calls[0]?.fail(new AIQuotaError("the quota is used up"));
  assert.deepEqual(await first, { kind: "unspoken", reason: "quota" });
  await settle();
  assert.deepEqual(await speak("b"), { kind: "unspoken", reason: "quota" });
  assert.equal(calls.length, 1);
});

Deno.test("a voice does not close the circuit of a service that answers nothing", async () => {
  const setup = startAi();
  const { ai, clock, calls, speak, send } = setup;
  await openCircuit(setup);
  assert.deepEqual(await speak("a"), { kind: "unspoken", reason: "unavailable" });
  clock.increment(OPEN_MS);
  const reply = speak("b");
  calls.at(-1)?.say("b");
  assert.deepEqual(await reply, said("b"));
  await settle();
  assert.equal(ai.getSnapshot().value, "halfOpen");
  const trial = send("c");
  calls.at(-1)?.answer("c");
  assert.deepEqual(await trial, answered("c"));
  await settle();
  assert.equal(ai.getSnapshot().value, "closed");
});

Deno.test("ai tries a document's embedding again, and a question's not, as somebody waits for it", async () => {
  const { clock, calls, embed } = startAi();
  const ofQuestion = embed("q", "question");
  calls[0]?.fail(busy());
  assert.deepEqual(await ofQuestion, { kind: "none", reason: "unavailable" });
  const ofDocument = embed("d");
  calls[1]?.fail(busy());
  await settle();
  clock.increment(2_000 * JITTER);
  calls[2]?.embed();
  assert.deepEqual(await ofDocument, near);
});

Deno.test("ai answers although its embedding fails, and lets that rest for a while", async () => {
  const { ai, clock, calls, embed, send } = startAi();
  const failing = async (n: number) => {
    const reply = embed(`${n}`, "question");
    calls.at(-1)?.fail(busy());
    assert.deepEqual(await reply, { kind: "none", reason: "unavailable" });
    await settle();
  };
  for (let n = 0; n < FAILURES_TO_OPEN; n++) await failing(n);
  const before = calls.length;
  assert.deepEqual(await embed("spared"), { kind: "none", reason: "unavailable" });
  assert.equal(calls.length, before);
  const reply = send("q");
  calls.at(-1)?.answer("42");
  assert.deepEqual(await reply, answered("42"));
  assert.equal(ai.getSnapshot().value, "closed");

  clock.increment(OPEN_MS);
  await failing(100);
  const afterOne = calls.length;
  await embed("spared again");
  assert.equal(calls.length, afterOne, "one failure more, and it rests again");
  clock.increment(OPEN_MS);
  const back = embed("back");
  calls.at(-1)?.embed();
  assert.deepEqual(await back, near);
  await failing(101);
  const next = embed("next");
  assert.equal(calls.length, afterOne + 3, "after a success one failure is no reason to rest");
  calls.at(-1)?.embed();
  assert.deepEqual(await next, near);
});

Deno.test("ai lets its embedding rest at once when that quota is used up, and answers on", async () => {
  const { ai, calls, embed, send } = startAi();
  const reply = embed("d");
  calls[0]?.fail(new AIQuotaError("the day's quota is used up"));
  assert.deepEqual(await reply, { kind: "none", reason: "quota" });
  await settle();
  assert.deepEqual(await embed("next"), { kind: "none", reason: "quota" });
  assert.equal(calls.length, 1);
  const answer = send("q");
  calls[1]?.answer("42");
  assert.deepEqual(await answer, answered("42"));
  assert.equal(ai.getSnapshot().value, "closed");
});

Deno.test("ai does not take a vector for a sign that answers are back", async () => {
  const world = startAi();
  await openCircuit(world);
  assert.deepEqual(await world.embed("d"), { kind: "none", reason: "unavailable" });
  world.clock.increment(OPEN_MS);
  const reply = world.embed("e");
  const trial = world.send("c");
  world.calls.at(-2)?.embed();
  assert.deepEqual(await reply, near);
  await settle();
  assert.equal(world.ai.getSnapshot().value, "halfOpen");
  world.calls.at(-1)?.answer("c");
  assert.deepEqual(await trial, answered("c"));
  await settle();
  assert.equal(world.ai.getSnapshot().value, "closed");
});

Deno.test("ai without a provider embeds nothing, and says so at once", async () => {
  const { embed } = startAi({ hasProvider: false });
  assert.deepEqual(await embed("d"), { kind: "none", reason: "offline" });
});

Deno.test("ai lets its voice and its embedding rest apart from each other", async () => {
  const { calls, embed, speak } = startAi();
  const reply = speak("a");
  calls[0]?.fail(new AIQuotaError("the quota is used up"));
  assert.deepEqual(await reply, { kind: "unspoken", reason: "quota" });
  await settle();
  const vectors = embed("d");
  calls[1]?.embed();
  assert.deepEqual(await vectors, near);
  await settle();
  assert.deepEqual(await speak("b"), { kind: "unspoken", reason: "quota" });
  assert.equal(calls.length, 2);
});

Deno.test("ai half-open has a voice neither take the trial's place nor wait for ever", async () => {
  const world = startAi({ concurrency: 1 });
  await openCircuit(world);
  world.clock.increment(OPEN_MS);
  const voices = [world.speak("a"), world.speak("b")];
  const trial = world.send("c");
  for (const text of ["a", "b"]) {
    world.calls.at(-1)?.say(text);
    await settle();
  }
  world.calls.at(-1)?.answer("c");
  assert.deepEqual(await Promise.all(voices), [said("a"), said("b")]);
  assert.deepEqual(await trial, answered("c"));
});

Deno.test("ai lets no embedding wait for answers, and no answer for embeddings", async () => {
  const { calls, embed, send } = startAi({ concurrency: 1 });
  const replies = [send("a"), embed("d"), embed("e"), send("b")] as const;
  assert.deepEqual(calls.map(({ request }) => request.key), ["a", "d"]);
  calls[1]?.embed();
  assert.deepEqual(await replies[1], near);
  await settle();
  assert.equal(calls[2]?.request.key, "e");
  calls[0]?.answer("A");
  assert.deepEqual(await replies[0], answered("A"));
  await settle();
  assert.equal(calls[3]?.request.key, "b");
  calls[2]?.embed();
  calls[3]?.answer("B");
  assert.deepEqual([await replies[2], await replies[3]], [near, answered("B")]);
});
