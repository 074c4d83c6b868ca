/** The adapter of OpenAI-compatible servers, over real HTTP with a server that behaves and misbehaves like one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { sampleFile } from "../lib/demo/sample.ts";
import { anyStorage, startWorld } from "./support/world.ts";
import { createOpenAi } from "../lib/ai/openai.ts";
import type { Prompt } from "../lib/ai/provider.ts";

const KEY = "some-secret-key";
const PROMPT: Prompt = { system: "Be short.", user: "What is the rent?" };
const never = new AbortController().signal;

interface Seen {
  headers: Headers;
  body: { model: string; stream: boolean; messages: { role: string; content: string }[] };
}

/** A server that answers each call by `respond`. */
function startServer(respond: () => Response) {
  const calls: Seen[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    assert.equal(new URL(request.url).pathname, "/v1/chat/completions");
    const seen = { headers: request.headers, body: await request.json() };
    calls.push(seen);
    return respond();
  });
  const baseUrl = `http://127.0.0.1:${server.addr.port}/v1`;
  return {
    calls,
    baseUrl,
    provider: () => createOpenAi({ apiKey: KEY, baseUrl, model: "local-model", timeoutMs: 5_000 }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const chunk = (content: string, finish_reason: string | null = null) => ({
  id: "1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: { content }, finish_reason }],
});
const USAGE = { choices: [], usage: { prompt_tokens: 120, completion_tokens: 30 } };

function events(...all: unknown[]): Response {
  const lines = [...all.map((each) => JSON.stringify(each)), "[DONE]"];
  return new Response(lines.map((line) => `data: ${line}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}

function failure(status: number, message: string, code?: string, headers = {}): Response {
  return Response.json({ error: { message, code, type: "error" } }, { status, headers });
}

Deno.test("a call carries the key, the model and the prompt; the answer streams and is counted", async () => {
  await using server = startServer(() =>
    events(chunk("Fifty thousand "), chunk("[p. 3]."), chunk("", "stop"), USAGE)
  );
  const pieces: string[] = [];
  const generated = await server.provider().generate(PROMPT, (text) => pieces.push(text), never);
  assert.deepEqual(generated, {
    text: "Fifty thousand [p. 3].",
    promptTokens: 120,
    answerTokens: 30,
  });
  assert.deepEqual(pieces, ["Fifty thousand ", "[p. 3]."]);
  const [call] = server.calls;
  assert.equal(call?.headers.get("authorization"), `Bearer ${KEY}`);
  assert.deepEqual([call?.body.model, call?.body.stream], ["local-model", true]);
  assert.deepEqual(call?.body.messages, [
    { role: "system", content: "Be short." },
    { role: "user", content: "What is the rent?" },
  ]);
});

const failures: [what: string, Response, expected: Record<string, unknown>][] = [
  [
    "a limit that passes says how long to wait",
    failure(429, "Rate limit reached", "rate_limit_exceeded", { "retry-after": "7" }),
    { name: "AIRateLimitError", retriable: true, retryAfterMs: 7_000 },
  ],
  [
    "a quota that is used up is not tried again",
    failure(429, "You exceeded your current quota", "insufficient_quota"),
    { name: "AIQuotaError", retriable: false },
  ],
  ["a wrong key is final", failure(401, `Bad key ${KEY}`), {
    name: "AIServiceError",
    retriable: false,
  }],
  ["a server error may pass", failure(503, "busy"), { name: "AIServiceError", retriable: true }],
  ["a blocked prompt is told", failure(400, "filtered", "content_filter"), {
    name: "AIBlockedError",
  }],
  ["a blocked answer is told", events(chunk("The", "content_filter")), { name: "AIBlockedError" }],
  ["an empty answer may be there the next time", events(chunk("", "stop")), {
    name: "AIServiceError",
    retriable: true,
  }],
  ["an answer without an end is not passed off as whole", events(chunk("The rent")), {
    name: "AIServiceError",
    retriable: true,
  }],
  ["an answer that is no JSON may be right the next time", new Response("data: {oops\n\n"), {
    name: "AIServiceError",
    retriable: true,
  }],
];
for (const [what, response, expected] of failures) {
  Deno.test(`${what} (OpenAI)`, async () => {
    await using server = startServer(() => response);
    await assert.rejects(server.provider().generate(PROMPT, () => {}, never), (error: Error) => {
      assert.deepEqual({ ...expected, ...pick(error, Object.keys(expected)) }, expected);
      assert.ok(!`${error.message}${error.cause}${(error.cause as Error)?.stack}`.includes(KEY));
      return true;
    });
    assert.equal(server.calls.length, 1, "the SDK does not try again by itself");
  });
}

function pick(error: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (error as Record<string, unknown>)[name]]));
}

/** A server that begins an answer and never ends it; on `node:http`, which notices at once when a client goes. */
async function startHangingServer(beginning: string) {
  const gone = Promise.withResolvers<number>();
  const server = createServer((request, response) => {
    response.on("close", () => gone.resolve(performance.now()));
    request.resume();
    if (beginning === "") return;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify(chunk(beginning))}\n\n`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const baseUrl = `http://127.0.0.1:${address.port}/v1`;
  return {
    gone: gone.promise,
    provider: (timeoutMs: number) =>
      createOpenAi({ apiKey: KEY, baseUrl, model: "local-model", timeoutMs }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

Deno.test("a server that never answers runs into the time-out and is hung up on (OpenAI)", async () => {
  await using server = await startHangingServer("");
  await assert.rejects(server.provider(150).generate(PROMPT, () => {}, never), {
    name: "AITimeoutError",
    retriable: true,
  });
  await server.gone;
});

Deno.test("an answer that stops coming runs into the time-out (OpenAI)", async () => {
  await using server = await startHangingServer("The rent");
  await assert.rejects(server.provider(150).generate(PROMPT, () => {}, never), {
    name: "AITimeoutError",
  });
  await server.gone;
});

Deno.test("giving up while the answer is written reaches the server within 100 ms (OpenAI)", async () => {
  await using server = await startHangingServer("The rent");
  const caller = new AbortController();
  let stoppedAt = 0;
  const generating = server.provider(5_000).generate(PROMPT, () => {
    stoppedAt = performance.now();
    caller.abort(new Error("stopped"));
  }, caller.signal);
  await assert.rejects(generating, /stopped/);
  assert.ok(await server.gone - stoppedAt < 100);
});

Deno.test("the whole bot answers by a compatible server that needs no key", async () => {
  await using server = startServer(() => events(chunk("Three months [p. 4].", "stop"), USAGE));
  await using world = await startWorld(anyStorage, {
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_MODEL: "local-model",
  });
  const ada = world.user("en");
  ada.sendFile(await sampleFile("en"));
  await ada.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
  ada.sendText("What notice period applies to an engagement?");
  await ada.waitFor((all) => /^Three months \[p\. 4\]\.$/.test(all.at(-1)?.text ?? ""));
  const { counters } = await world.metrics();
  assert.equal(counters["ai.requests:cached=false,outcome=ok,provider=openai"], 1);
  assert.match(server.calls[0]?.body.messages[1]?.content ?? "", /<passage label="\[p\. 4\]"/);
});
