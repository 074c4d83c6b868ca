/**
 * What every adapter of a model promises, by one list of cases over real HTTP:
 * how it calls and streams, and which of our errors each failure becomes. What
 * only one vendor does stands in that vendor's own test.
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
import { createOpenAi } from "../lib/ai/openai.ts";
import type { EmbeddingKind, Provider } from "../lib/ai/provider.ts";
import { embedText } from "./support/embedding.ts";
import * as gemini from "./support/gemini_server.ts";
import type { ModelReply, ModelServer } from "./support/model_server.ts";
import * as openai from "./support/openai_server.ts";

const KEY = "key-that-nobody-may-see";
const MODEL = "model-under-test";
const EMBEDDER = "embedder-under-test";
const PROMPT = {
  system: "Answer from the passages.",
  user: '<passage label="[p. 4]" document="lease.pdf">\nThe rent is 900 EUR. It is due monthly.\n' +
    "</passage>\n\n<question>\nWhat is the rent?\n</question>",
};
const never = new AbortController().signal;

/** One vendor: its stand-in, its adapter, and how it says what all vendors say. */
interface Vendor<Reply> {
  name: string;
  start(): Promise<ModelServer<Reply>>;
  connect(url: string, timeoutMs: number): Provider;
  rateLimited(seconds: number): Reply;
  quotaUsedUp: Reply;
  promptBlocked: Reply;
  answerBlocked: Reply;
  /** The finish reason of an answer that has reached its longest, and of one that broke off. */
  atLongest: string;
  brokenOff: string;
}

const GEMINI: Vendor<gemini.GeminiReply> = {
  name: "Gemini",
  start: gemini.startGeminiServer,
  connect: (baseUrl, timeoutMs) =>
    createGemini({ apiKey: KEY, model: MODEL, embeddingModel: EMBEDDER, baseUrl, timeoutMs }),
  rateLimited: gemini.rateLimited,
  quotaUsedUp: gemini.quotaUsedUp(),
  promptBlocked: { kind: "blocked", blockReason: "PROHIBITED_CONTENT" },
  answerBlocked: { kind: "answer", chunks: ["The rent", " is"], finishReason: "SAFETY" },
  atLongest: "MAX_TOKENS",
  brokenOff: "OTHER",
};

const OPENAI: Vendor<openai.OpenAiReply> = {
  name: "OpenAI",
  start: openai.startOpenAiServer,
  connect: (url, timeoutMs) =>
    createOpenAi({
      apiKey: KEY,
      model: MODEL,
      embeddingModel: EMBEDDER,
      baseUrl: `${url}/v1`,
      timeoutMs,
    }),
  rateLimited: openai.rateLimited,
  quotaUsedUp: openai.quotaUsedUp(),
  promptBlocked: { kind: "error", status: 400, message: "Filtered.", code: "content_filter" },
  answerBlocked: { kind: "answer", chunks: ["The rent", " is"], finishReason: "content_filter" },
  atLongest: "length",
  brokenOff: "tool_calls",
};

promises(GEMINI);
promises(OPENAI);

function promises<Reply>(vendor: Vendor<Reply | ModelReply>): void {
  const { name, start, connect } = vendor;
  const test = (what: string, body: () => Promise<void>) => Deno.test(`${name}: ${what}`, body);
  const generate = (url: string, { timeoutMs = 10_000, onChunk = (_: string) => {} } = {}) =>
    connect(url, timeoutMs).generate(PROMPT, onChunk, never);

  /** What the server's `reply` becomes: an error that has the key nowhere, after one call. */
  async function failureOf(reply: Reply | ModelReply, timeoutMs?: number): Promise<AIServiceError> {
    await using server = await start();
    server.next(reply);
    const error = await failed(generate(server.url, { ...(timeoutMs && { timeoutMs }) }));
    assert.equal(server.calls.length, 1, "trying again is the actor's business");
    return error;
  }

  test("a call carries the key, the model, the system text and the prompt", async () => {
    await using server = await start();
    const answer = await generate(server.url);
    assert.equal(answer.text, "The rent is 900 EUR. [p. 4]");
    const [{ aborted: _, ...call } = {}] = server.calls;
    assert.deepEqual(call, { model: MODEL, apiKey: KEY, ...PROMPT });
  });

  test("chunks are handed on while the answer is still being written, and tokens counted", async () => {
    await using server = await start();
    const gate = Promise.withResolvers<void>();
    const written = ["Аренда — ", "900 € ", "[с. 4]"];
    server.next({ kind: "answer", chunks: written, gate: gate.promise });
    const chunks: string[] = [];
    const onChunk = (text: string) => {
      chunks.push(text);
      gate.resolve();
    };
    const answer = await generate(server.url, { onChunk });
    assert.deepEqual(chunks, written);
    assert.deepEqual(answer, {
      text: "Аренда — 900 € [с. 4]",
      promptTokens: 120,
      answerTokens: 35,
    });
  });

  for (const pieceBytes of [1, 7, 64]) {
    test(`a stream in pieces of ${pieceBytes} bytes is read as it was meant`, async () => {
      await using server = await start();
      const chunks = ["Аренда — 900 € ", "в\tмесяц\n\n«и» 🏠 ", "[с. 4]"];
      server.next({ kind: "answer", chunks, pieceBytes });
      const answer = await generate(server.url);
      assert.equal(answer.text, chunks.join(""));
      assert.equal(answer.answerTokens, 35);
    });
  }

  test("an answer cut off at its longest is shown", async () => {
    await using server = await start();
    server.next({ kind: "answer", chunks: ["The rent is"], finishReason: vendor.atLongest });
    assert.equal((await generate(server.url)).text, "The rent is");
  });

  test("a limit that passes says how long to wait", async () => {
    const error = await failureOf(vendor.rateLimited(34.25));
    assert.ok(error instanceof AIRateLimitError);
    assert.deepEqual([error.retriable, error.retryAfterMs], [true, 34_250]);
  });

  test("a limit without a delay may pass all the same", async () => {
    const error = await failureOf({ kind: "error", status: 429, message: "Resource exhausted." });
    assert.ok(error instanceof AIRateLimitError);
    assert.deepEqual([error.retriable, error.retryAfterMs], [true, undefined]);
  });

  test("a quota that is used up is not tried again, whatever delay comes with it", async () => {
    const error = await failureOf(vendor.quotaUsedUp);
    assert.ok(error instanceof AIQuotaError);
    assert.equal(error.retriable, false);
  });

  test("a blocked prompt is told as blocked", async () => {
    const error = await failureOf(vendor.promptBlocked);
    assert.ok(error instanceof AIBlockedError);
    assert.equal(error.retriable, false);
  });

  test("an answer blocked in its middle is told as blocked, and what it said is no answer", async () => {
    const error = await failureOf(vendor.answerBlocked);
    assert.ok(error instanceof AIBlockedError);
    assert.equal(error.retriable, false);
  });

  for (const status of [400, 401, 403, 404, 422]) {
    test(`status ${status} is final, and an echoed key is not passed on`, async () => {
      const message = `API key not valid: ${KEY}.`;
      const error = await failureOf({ kind: "error", status, message });
      assert.deepEqual([error.name, error.retriable], ["AIServiceError", false]);
      assert.match(error.message, new RegExp(`answered ${status}`));
      assert.match(String(error.cause), /API key not valid: \*\*\*/);
    });
  }

  for (const status of [408, 500, 502, 503, 504]) {
    test(`status ${status} may pass`, async () => {
      const error = await failureOf({ kind: "error", status, message: `Overloaded: ${KEY}` });
      assert.deepEqual([error.name, error.retriable], ["AIServiceError", true]);
    });
  }

  test("an error in the middle of the answer may pass", async () => {
    const error = await failureOf({ kind: "errorInStream", status: 503, message: `Busy: ${KEY}` });
    assert.equal(error.retriable, true);
  });

  const malformed = {
    "no JSON": "data: {not json}\n\n",
    "null": "data: null\n\n",
    "of another shape": 'data: {"candidates": "none", "choices": "none"}\n\n',
    "cut off within an event": 'data: {"candi',
    "a web page": "<html>Bad gateway</html>",
    "without a byte": "",
    "a key": `data: {${KEY}}\n\n`,
  };
  for (const [what, body] of Object.entries(malformed)) {
    test(`an answer that is ${what} may be right the next time`, async () => {
      const error = await failureOf({ kind: "raw", body });
      assert.deepEqual([error.name, error.retriable], ["AIServiceError", true]);
    });
  }

  test("an answer without text may be there the next time", async () => {
    const error = await failureOf({ kind: "answer", chunks: [" \n"] });
    assert.equal(error.retriable, true);
    assert.match(error.message, /empty/);
  });

  for (const finishReason of [vendor.brokenOff, ""]) {
    test(`an answer that ends with "${finishReason}" is not passed off as whole`, async () => {
      const error = await failureOf({ kind: "answer", chunks: ["The"], finishReason });
      assert.equal(error.retriable, true);
      assert.match(error.message, /broken off/);
    });
  }

  test("a connection that breaks in the middle of the answer may pass", async () => {
    await using server = await start();
    const gate = Promise.withResolvers<void>();
    server.next({ kind: "reset", gate: gate.promise });
    const error = await failed(generate(server.url, { onChunk: () => gate.resolve() }));
    assert.deepEqual([error.name, error.retriable], ["AIServiceError", true]);
  });

  test("a server that is down may come back", async () => {
    const server = await start();
    await server[Symbol.asyncDispose]();
    const error = await failed(generate(server.url));
    assert.deepEqual([error.name, error.retriable], ["AIServiceError", true]);
  });

  for (const when of ["before the first byte", "in the middle of the answer"]) {
    const begins = when !== "before the first byte";
    const reply = (): ModelReply =>
      begins
        ? { kind: "answer", chunks: ["The"], gate: Promise.withResolvers<void>().promise }
        : { kind: "hang" };

    test(`a server that falls silent ${when} runs into the time-out and is hung up on`, async () => {
      await using server = await start();
      server.next(reply());
      const called = server.called();
      const error = await failed(generate(server.url, { timeoutMs: 150 }));
      assert.ok(error instanceof AITimeoutError);
      assert.equal(error.retriable, true);
      await (await called).aborted;
    });

    test(`giving up ${when} closes the connection within 100 ms`, async () => {
      await using server = await start();
      server.next(reply());
      const caller = new AbortController();
      const begun = Promise.withResolvers<void>();
      const called = server.called();
      const answer = connect(server.url, 10_000)
        .generate(PROMPT, () => begun.resolve(), caller.signal)
        .then(() => assert.fail("It answered."), (reason) => reason);
      const call = await called;
      if (begins) await begun.promise;
      const reason = new Error("The user pressed stop.");
      const gaveUpAt = performance.now();
      caller.abort(reason);
      assert.equal(await answer, reason);
      const tookMs = await call.aborted - gaveUpAt;
      assert.ok(tookMs < 100, `It took ${tookMs} ms.`);
    });
  }

  test("a call given up before it began is not made", async () => {
    await using server = await start();
    const reason = new Error("Too late.");
    const answer = connect(server.url, 10_000).generate(
      PROMPT,
      () => {},
      AbortSignal.abort(reason),
    );
    assert.equal(await answer.catch((error) => error), reason);
    assert.equal(server.calls.length, 0);
  });

  const embed = (
    url: string,
    { texts = ["one", "two"], kind = "document" as EmbeddingKind, timeoutMs = 10_000 } = {},
    signal = never,
  ) => {
    const { embedding } = connect(url, timeoutMs);
    assert.ok(embedding);
    return embedding.embed(texts, kind, signal);
  };

  async function embeddingFailureOf(reply: Reply | ModelReply): Promise<AIServiceError> {
    await using server = await start();
    server.embedding.next(reply);
    const error = await failed(embed(server.url));
    assert.equal(server.embedding.calls.length, 1, "trying again is the actor's business");
    return error;
  }

  test("texts become vectors in their order, by the embedding model", async () => {
    await using server = await start();
    const texts = ["The dog barks.", "Собака лает.", "Rent is due."];
    const { vectors, tokens } = await embed(server.url, { texts });
    const [{ model, apiKey, dimensions, texts: sent } = {}] = server.embedding.calls;
    assert.deepEqual({ model, apiKey, sent }, { model: EMBEDDER, apiKey: KEY, sent: texts });
    assert.deepEqual(
      vectors,
      texts.map((text) => Float32Array.from(embedText(text, dimensions))),
    );
    assert.ok(tokens > 0);
    assert.equal(server.calls.length, 0);
  });

  test("a limit of the embedding model says how long to wait", async () => {
    const error = await embeddingFailureOf(vendor.rateLimited(34.25));
    assert.ok(error instanceof AIRateLimitError);
    assert.equal(error.retryAfterMs, 34_250);
  });

  test("a used up quota of the embedding model is told as one", async () => {
    assert.ok(await embeddingFailureOf(vendor.quotaUsedUp) instanceof AIQuotaError);
  });

  for (
    const [status, retriable] of [[400, false], [404, false], [500, true], [503, true]] as const
  ) {
    test(`status ${status} of the embedding model ${retriable ? "may pass" : "is final"}`, async () => {
      const error = await embeddingFailureOf({ kind: "error", status, message: `No: ${KEY}` });
      assert.deepEqual([error.name, error.retriable], ["AIServiceError", retriable]);
    });
  }

  const unusable = {
    "no JSON": "{not json",
    "of another shape": '{"embeddings": "none", "data": "none"}',
    "fewer than the texts":
      '{"embeddings": [{"values": [1]}], "data": [{"index": 0, "embedding": [1]}]}',
    "of different lengths": '{"embeddings": [{"values": [1]}, {"values": [1, 2]}], "data": ' +
      '[{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}',
  };
  for (const [what, body] of Object.entries(unusable)) {
    test(`embeddings that are ${what} may be right the next time`, async () => {
      const error = await embeddingFailureOf({ kind: "raw", body });
      assert.deepEqual([error.name, error.retriable], ["AIServiceError", true]);
    });
  }

  test("an embedding that never comes runs into the time-out and is hung up on", async () => {
    await using server = await start();
    server.embedding.next({ kind: "hang" });
    const called = server.embedding.called();
    assert.ok(await failed(embed(server.url, { timeoutMs: 150 })) instanceof AITimeoutError);
    await (await called).aborted;
  });

  test("a question is not embedded for as long as a document may be", async () => {
    await using server = await start();
    server.embedding.next({ kind: "hang" });
    const begun = performance.now();
    const error = await failed(embed(server.url, { kind: "question", timeoutMs: 60_000 }));
    assert.ok(error instanceof AITimeoutError);
    assert.ok(performance.now() - begun < 10_000);
  });

  test("giving up an embedding closes its connection", async () => {
    await using server = await start();
    server.embedding.next({ kind: "hang" });
    const caller = new AbortController();
    const called = server.embedding.called();
    const vectors = embed(server.url, {}, caller.signal).catch((error) => error);
    const call = await called;
    const reason = new Error("The document was deleted.");
    caller.abort(reason);
    assert.equal(await vectors, reason);
    await call.aborted;
  });
}

Deno.test("Gemini: a question and a document are embedded as what they are, in 768 parts", async () => {
  await using server = await gemini.startGeminiServer();
  const { embedding } = GEMINI.connect(server.url, 10_000);
  await embedding?.embed(["What is due?"], "question", never);
  await embedding?.embed(["Rent is due."], "document", never);
  assert.deepEqual(
    server.embedding.calls.map(({ task, dimensions }) => [task, dimensions]),
    [["RETRIEVAL_QUERY", 768], ["RETRIEVAL_DOCUMENT", 768]],
  );
});

Deno.test("without an embedding model a provider has none", () => {
  const options = { apiKey: KEY, model: MODEL, baseUrl: "http://127.0.0.1:9", timeoutMs: 1 };
  assert.equal(createGemini(options).embedding, undefined);
  assert.equal(createOpenAi(options).embedding, undefined);
});

/** The error of a call that must fail; neither it nor its causes, stacks included, hold the key. */
async function failed(answer: Promise<unknown>): Promise<AIServiceError> {
  const error = await answer.then(() => assert.fail("It answered."), (reason) => reason);
  assert.ok(error instanceof AIServiceError, Deno.inspect(error));
  assert.ok(!Deno.inspect(error, { depth: 10, showHidden: true }).includes(KEY));
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    assert.ok(!`${each.message}${each.stack}${JSON.stringify(each)}`.includes(KEY));
  }
  return error;
}
