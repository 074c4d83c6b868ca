/** What only Gemini does; what every provider does stands in `ai_provider_contract_test.ts`. */
import assert from "node:assert/strict";
import { AIBlockedError, AIRateLimitError } from "../lib/ai/errors.ts";
import { createGemini } from "../lib/ai/gemini.ts";
import { type GeminiReply, startGeminiServer } from "./support/gemini_server.ts";

const KEY = "key-that-nobody-may-see";

async function generate(reply: GeminiReply) {
  await using server = await startGeminiServer();
  server.next(reply);
  const options = { apiKey: KEY, model: "m", baseUrl: server.url, timeoutMs: 10_000 };
  const prompt = { system: "Be short.", user: "What is the rent?" };
  return await createGemini(options).generate(prompt, () => {}, new AbortController().signal);
}

Deno.test("thoughts of the model are no part of the answer", async () => {
  const parts = [{ text: "Let me look.", thought: true }, { text: "900 EUR [p. 4]" }];
  const body = `data: ${
    JSON.stringify({ candidates: [{ content: { parts }, finishReason: "STOP" }] })
  }\n\n`;
  assert.equal((await generate({ kind: "raw", body })).text, "900 EUR [p. 4]");
});

for (const finishReason of ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"]) {
  Deno.test(`an answer stopped for ${finishReason} is told as blocked`, async () => {
    await assert.rejects(generate({ kind: "stopped", finishReason }), AIBlockedError);
  });
}

Deno.test("an error among the events keeps its status", async () => {
  const limited = generate({ kind: "errorInStream", status: 429, message: "Slow down." });
  await assert.rejects(limited, AIRateLimitError);
});

Deno.test("a key in an error's details is not passed on", async () => {
  const type = "type.googleapis.com/google.rpc.ErrorInfo";
  const details = [{ "@type": type, reason: "API_KEY_INVALID", metadata: { key: KEY } }];
  await assert.rejects(
    generate({ kind: "error", status: 400, message: `API key not valid: ${KEY}.`, details }),
    (error) => !Deno.inspect(error, { depth: 10 }).includes(KEY),
  );
});
