/**
 * The Gemini adapter over real HTTP: what it sends, how it streams, and which
 * of our errors each failure of a server becomes.
 */
import assert from "node:assert/strict";
import {
  AIBlockedError,
  AIQuotaError,
  AIRateLimitError,
  AIServiceError,
  AITimeoutError,
} from "../lib/ai/errors.ts";
import { createGemini } from "../lib/ai/gemini.ts";
import {
  type GeminiReply,
  type GeminiServer,
  quotaUsedUp,
  rateLimited,
  startGeminiServer,
} from "./support/gemini_server.ts";

const KEY = "key-that-nobody-may-see";
const PROMPT = {
  system: "Answer from the passages.",
  user: '<passage label="[p. 4]" document="lease.pdf">\nThe rent is 900 EUR. It is due monthly.\n' +
    "</passage>\n\n<question>\nWhat is the rent?\n</question>",
};

function connect(server: Pick<GeminiServer, "url">, timeoutMs = 10_000) {
  return createGemini({ apiKey: KEY, model: "gemini-test", baseUrl: server.url, timeoutMs });
}

interface CallOptions {
  timeoutMs?: number;
  onChunk?: (text: string) => void;
}

/** The error that a server's `reply` becomes, checked to hold no key. */
async function failureOf(reply: GeminiReply, options?: CallOptions): Promise<AIServiceError> {
  await using server = await startGeminiServer();
  server.next(reply);
  return await failureAt(server, options);
}

async function failureAt(
  server: Pick<GeminiServer, "url">,
  { timeoutMs, onChunk = () => {} }: CallOptions = {},
): Promise<AIServiceError> {
  const error = await connect(server, timeoutMs)
    .generate(PROMPT, onChunk, new AbortController().signal)
    .then(() => assert.fail("It answered."), (reason) => reason);
  assert.ok(error instanceof AIServiceError, Deno.inspect(error));
  assert.ok(!Deno.inspect(error, { depth: 10 }).includes(KEY));
  return error;
}

Deno.test("a call carries the key, the model, the system text and the prompt", async () => {
  await using server = await startGeminiServer();
  const answer = await connect(server).generate(PROMPT, () => {}, new AbortController().signal);
  assert.equal(answer.text, "The rent is 900 EUR. [p. 4]");
  const [call] = server.calls;
  assert.equal(server.calls.length, 1);
  assert.equal(call?.apiKey, KEY);
  assert.equal(call?.model, "gemini-test");
  assert.equal(call?.system, PROMPT.system);
  assert.equal(call?.user, PROMPT.user);
});

Deno.test("chunks are handed on while the answer is still being written", async () => {
  await using server = await startGeminiServer();
  const gate = Promise.withResolvers<void>();
  server.next({ kind: "answer", chunks: ["Аренда — ", "900 € ", "[с. 4]"], gate: gate.promise });
  const chunks: string[] = [];
  const answer = await connect(server).generate(PROMPT, (text) => {
    chunks.push(text);
    gate.resolve();
  }, new AbortController().signal);
  assert.deepEqual(chunks, ["Аренда — ", "900 € ", "[с. 4]"]);
  assert.deepEqual(answer, { text: "Аренда — 900 € [с. 4]", promptTokens: 120, answerTokens: 35 });
});

Deno.test("thoughts of the model are no part of the answer", async () => {
  await using server = await startGeminiServer();
  const parts = [{ text: "Let me look.", thought: true }, { text: "900 EUR [p. 4]" }];
  server.next({
    kind: "raw",
    body: `data: ${JSON.stringify({ candidates: [{ content: { parts } }] })}\n\n`,
  });
  const answer = await connect(server).generate(PROMPT, () => {}, new AbortController().signal);
  assert.equal(answer.text, "900 EUR [p. 4]");
});

Deno.test("an answer cut off at its longest is kept", async () => {
  await using server = await startGeminiServer();
  server.next({ kind: "answer", chunks: ["The rent is"], finishReason: "MAX_TOKENS" });
  const answer = await connect(server).generate(PROMPT, () => {}, new AbortController().signal);
  assert.equal(answer.text, "The rent is");
});

Deno.test("a rate limit says how long to wait", async () => {
  const error = await failureOf(rateLimited(34.25));
  assert.ok(error instanceof AIRateLimitError);
  assert.equal(error.retriable, true);
  assert.equal(error.retryAfterMs, 34_250);
});

Deno.test("a rate limit without a delay is retriable all the same", async () => {
  const error = await failureOf({ kind: "error", status: 429, message: "Resource exhausted." });
  assert.ok(error instanceof AIRateLimitError);
  assert.equal(error.retriable, true);
  assert.equal(error.retryAfterMs, undefined);
});

Deno.test("a day's quota used up is not tried again, whatever delay comes with it", async () => {
  const error = await failureOf(quotaUsedUp());
  assert.ok(error instanceof AIQuotaError);
  assert.equal(error.retriable, false);
});

for (const status of [400, 401, 403, 404]) {
  Deno.test(`status ${status} is final, and an echoed key is not passed on`, async () => {
    const message = `API key not valid: ${KEY}.`;
    const type = "type.googleapis.com/google.rpc.ErrorInfo";
    const details = [{ "@type": type, reason: "API_KEY_INVALID", metadata: { key: KEY } }];
    const error = await failureOf({ kind: "error", status, message, details });
    assert.equal(error.name, "AIServiceError");
    assert.equal(error.retriable, false);
    assert.match(error.message, new RegExp(`answered ${status}`));
    assert.match(String(error.cause), /API key not valid: \*\*\*/);
  });
}

for (const status of [500, 503, 504]) {
  Deno.test(`status ${status} may pass`, async () => {
    const error = await failureOf({ kind: "error", status, message: "The model is overloaded." });
    assert.equal(error.name, "AIServiceError");
    assert.equal(error.retriable, true);
  });
}

Deno.test("an error in the middle of the answer is told as its status", async () => {
  const error = await failureOf({ kind: "errorInStream", status: 429, message: "Slow down." });
  assert.ok(error instanceof AIRateLimitError);
});

Deno.test("a connection that breaks in the middle of the answer may pass", async () => {
  await using server = await startGeminiServer();
  const gate = Promise.withResolvers<void>();
  server.next({ kind: "reset", gate: gate.promise });
  const error = await failureAt(server, { onChunk: () => gate.resolve() });
  assert.equal(error.name, "AIServiceError");
  assert.equal(error.retriable, true);
});

Deno.test("a server that is down may come back", async () => {
  const server = await startGeminiServer();
  await server[Symbol.asyncDispose]();
  const error = await failureAt(server);
  assert.equal(error.name, "AIServiceError");
  assert.equal(error.retriable, true);
});

for (
  const [what, body] of [
    ["no JSON", "data: {not json}\n\n"],
    ["null", "data: null\n\n"],
    ["of another shape", 'data: {"candidates": "none"}\n\n'],
    ["cut off within an event", 'data: {"candi'],
    ["a web page", "<html>Bad gateway</html>"],
    ["without a byte", ""],
  ] as const
) {
  Deno.test(`an answer that is ${what} may be right the next time`, async () => {
    const error = await failureOf({ kind: "raw", body });
    assert.equal(error.name, "AIServiceError");
    assert.equal(error.retriable, true);
  });
}

Deno.test("an answer without text may be there the next time", async () => {
  const error = await failureOf({ kind: "answer", chunks: [" \n"] });
  assert.equal(error.retriable, true);
  assert.match(error.message, /empty/);
});

Deno.test("an answer broken off for an unknown reason is not passed off as whole", async () => {
  const error = await failureOf({ kind: "answer", chunks: ["The"], finishReason: "OTHER" });
  assert.equal(error.retriable, true);
  assert.match(error.message, /broken off/);
});

Deno.test("a blocked prompt is told as blocked", async () => {
  const error = await failureOf({ kind: "blocked", blockReason: "PROHIBITED_CONTENT" });
  assert.ok(error instanceof AIBlockedError);
  assert.equal(error.retriable, false);
});

for (const finishReason of ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"]) {
  Deno.test(`an answer stopped for ${finishReason} is told as blocked`, async () => {
    const error = await failureOf({ kind: "stopped", finishReason });
    assert.ok(error instanceof AIBlockedError);
  });
}

Deno.test("a server that never answers runs into the time-out and is hung up on", async () => {
  await using server = await startGeminiServer();
  server.next({ kind: "hang" });
  const called = server.called();
  const error = await failureAt(server, { timeoutMs: 150 });
  assert.ok(error instanceof AITimeoutError);
  assert.equal(error.retriable, true);
  await (await called).aborted;
});

Deno.test("an answer that stops coming runs into the time-out", async () => {
  const error = await failureOf(
    { kind: "answer", chunks: ["The"], gate: Promise.withResolvers<void>().promise },
    { timeoutMs: 150 },
  );
  assert.ok(error instanceof AITimeoutError);
});

for (const reply of ["before the first byte", "in the middle of the answer"] as const) {
  Deno.test(`giving up ${reply} reaches the server within 100 ms`, async () => {
    await using server = await startGeminiServer();
    const gate = Promise.withResolvers<void>().promise;
    const inTheMiddle = reply === "in the middle of the answer";
    server.next(inTheMiddle ? { kind: "answer", chunks: ["The"], gate } : { kind: "hang" });
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const called = server.called();
    const answer = connect(server)
      .generate(PROMPT, () => started.resolve(), controller.signal)
      .then(() => assert.fail("It answered."), (reason) => reason);
    const call = await called;
    if (inTheMiddle) await started.promise;
    const reason = new Error("The user pressed stop.");
    const gaveUpAt = performance.now();
    controller.abort(reason);
    assert.equal(await answer, reason);
    const tookMs = await call.aborted - gaveUpAt;
    assert.ok(tookMs < 100, `It took ${tookMs} ms.`);
  });
}

Deno.test("a call given up before it began is not made", async () => {
  await using server = await startGeminiServer();
  const reason = new Error("Too late.");
  const answer = connect(server).generate(PROMPT, () => {}, AbortSignal.abort(reason));
  assert.equal(await answer.catch((error) => error), reason);
  assert.equal(server.calls.length, 0);
});
