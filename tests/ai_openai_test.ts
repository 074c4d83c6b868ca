/** What only OpenAI-compatible servers do; the rest stands in `ai_provider_contract_test.ts`. */
import assert from "node:assert/strict";
import {
  AIBlockedError,
  AIQuotaError,
  AIRateLimitError,
  AIServiceError,
} from "../lib/ai/errors.ts";
import { createOpenAi } from "../lib/ai/openai.ts";
import { sampleFile } from "../lib/demo/sample.ts";
import { type OpenAiReply, startOpenAiServer } from "./support/openai_server.ts";
import { anyStorage, startWorld } from "./support/world.ts";

async function failureOf(reply: OpenAiReply): Promise<AIServiceError> {
  await using server = await startOpenAiServer();
  server.next(reply);
  const provider = createOpenAi({ baseUrl: `${server.url}/v1`, model: "m", timeoutMs: 10_000 });
  const prompt = { system: "Be short.", user: "What is the rent?" };
  const error = await provider.generate(prompt, () => {}, new AbortController().signal)
    .then(() => assert.fail("It answered."), (reason) => reason);
  assert.ok(error instanceof AIServiceError, Deno.inspect(error));
  return error;
}

Deno.test("a delay in milliseconds goes before one in seconds", async () => {
  const headers = { "retry-after-ms": "250", "retry-after": "7" };
  const error = await failureOf({ kind: "error", status: 429, message: "Slow.", headers });
  assert.ok(error instanceof AIRateLimitError);
  assert.equal(error.retryAfterMs, 250);
});

for (
  const [status, message] of [
    [402, "Payment required"],
    [429, "Your account has no credits left"],
    [429, "Limit of requests per day reached"],
  ] as const
) {
  Deno.test(`"${message}" is a quota that is used up`, async () => {
    assert.ok(await failureOf({ kind: "error", status, message }) instanceof AIQuotaError);
  });
}

Deno.test("a refusal in place of a text is told as blocked", async () => {
  const choices = [{ index: 0, delta: { refusal: "I cannot." }, finish_reason: null }];
  const error = await failureOf({ kind: "raw", body: `data: ${JSON.stringify({ choices })}\n\n` });
  assert.ok(error instanceof AIBlockedError);
});

Deno.test("the whole bot answers by a compatible server that needs no key", async () => {
  await using server = await startOpenAiServer();
  await using world = await startWorld(anyStorage, {
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_MODEL: "local-model",
  });
  const ada = world.user("en");
  ada.sendFile(await sampleFile("en"));
  await ada.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
  server.next({ kind: "answer", chunks: ["Three months [p. 4]."] });
  ada.sendText("What notice period applies to an engagement?");
  await ada.waitFor((all) => /^Three months \[p\. 4\]\.$/.test(all.at(-1)?.text ?? ""));
  const { counters } = await world.metrics();
  assert.equal(counters["ai.requests:cached=false,outcome=ok,provider=openai"], 1);
  assert.match(server.calls[0]?.user ?? "", /<passage label="\[p\. 4\]"/);
});
