/** How both providers hear, over real HTTP: what they send, how they read it, and which errors failures become. */
import assert from "node:assert/strict";
import { AIServiceError } from "../lib/ai/errors.ts";
import { createGemini } from "../lib/ai/gemini.ts";
import { createOpenAi } from "../lib/ai/openai.ts";
import type { Audio, Hearing } from "../lib/ai/provider.ts";
import {
  type GeminiReply,
  quotaUsedUp,
  rateLimited,
  startGeminiServer,
} from "./support/gemini_server.ts";
import { wav } from "./support/recordings.ts";
import {
  startTranscriptionServer,
  type TranscriptionReply,
} from "./support/transcription_server.ts";

const KEY = "key-that-nobody-may-see";
const AUDIO: Audio = { bytes: wav(1), mimeType: "audio/wav", extension: "wav" };
const never = new AbortController().signal;

/** A provider at a server that answers each call so, and how many calls there were. */
interface Setup extends AsyncDisposable {
  hearing: Hearing;
  calls(): number;
  called(): Promise<{ aborted: Promise<number> }>;
}

async function gemini(reply: GeminiReply, timeoutMs = 5_000): Promise<Setup> {
  const server = await startGeminiServer();
  server.next(reply);
  const provider = createGemini({ apiKey: KEY, model: "g", baseUrl: server.url, timeoutMs });
  assert.ok(provider.hearing);
  return {
    hearing: provider.hearing,
    calls: () => server.calls.length,
    called: server.called,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function openAi(reply: TranscriptionReply, timeoutMs = 5_000): Promise<Setup> {
  const server = await startTranscriptionServer(() => reply);
  const { baseUrl } = server;
  const options = { apiKey: KEY, baseUrl, model: "m", transcribeModel: "whisper", timeoutMs };
  const provider = createOpenAi(options);
  assert.ok(provider.hearing);
  return {
    hearing: provider.hearing,
    calls: () => server.calls.length,
    called: server.called,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("Gemini is sent the recording with the request to write it down", async () => {
  await using server = await startGeminiServer();
  server.next({ kind: "answer", chunks: ["[00:00] Good mor", "ning.\n[01:", "05] Да, добрый."] });
  const { hearing } = createGemini({
    apiKey: KEY,
    model: "g",
    baseUrl: server.url,
    timeoutMs: 5e3,
  });
  assert.deepEqual(await hearing?.transcribe(AUDIO, never), {
    segments: [{ start: 0, text: "Good morning." }, { start: 65, text: "Да, добрый." }],
    promptTokens: 120,
    answerTokens: 35,
  });
  const [call] = server.calls;
  assert.equal(call?.audio?.mimeType, "audio/wav");
  assert.deepEqual(call?.audio?.bytes, AUDIO.bytes);
  assert.match(call?.user ?? "", /\[mm:ss\]/);
});

Deno.test("a compatible server is sent the recording as a file, and asked for times", async () => {
  await using server = await startTranscriptionServer(() => ({
    json: {
      text: " Good morning. Да.",
      segments: [{ start: 0, end: 2, text: " Good\nmorning." }, { start: 65.4, text: " Да." }],
      usage: { type: "tokens", input_tokens: 14, output_tokens: 5 },
    },
  }));
  const { baseUrl } = server;
  const options = { apiKey: KEY, baseUrl, model: "m", transcribeModel: "whisper", timeoutMs: 5e3 };
  assert.deepEqual(await createOpenAi(options).hearing?.transcribe(AUDIO, never), {
    segments: [{ start: 0, text: "Good morning." }, { start: 65.4, text: "Да." }],
    promptTokens: 14,
    answerTokens: 5,
  });
  const [call] = server.calls;
  assert.deepEqual([call?.path, call?.authorization], [
    "/v1/audio/transcriptions",
    `Bearer ${KEY}`,
  ]);
  assert.deepEqual(call?.file, { name: "recording.wav", type: "audio/wav", bytes: AUDIO.bytes });
  assert.deepEqual([call?.form.get("model"), call?.form.get("response_format")], [
    "whisper",
    "verbose_json",
  ]);
});

Deno.test("a server that knows no times gives the text alone", async () => {
  for (const reply of [{ json: { text: " All of it. " } }, { text: "All of it.\n" }]) {
    await using server = await openAi(reply);
    const { segments } = await server.hearing.transcribe(AUDIO, never);
    assert.deepEqual(segments, [{ start: 0, text: "All of it." }]);
  }
});

Deno.test("a model that refuses the format with times is asked without", async () => {
  await using server = await startTranscriptionServer(({ form }) =>
    form.get("response_format") === "json" ? { json: { text: "All." } } : {
      status: 400,
      json: { error: { message: "response_format 'verbose_json' is not compatible with m" } },
    }
  );
  const { baseUrl } = server;
  const options = { baseUrl, model: "m", transcribeModel: "m", timeoutMs: 5e3 };
  const transcript = await createOpenAi(options).hearing?.transcribe(AUDIO, never);
  assert.deepEqual(transcript?.segments, [{ start: 0, text: "All." }]);
});

Deno.test("a compatible server is taken not to hear unless its model is named", () => {
  const options = { baseUrl: "http://127.0.0.1:1/v1", model: "m", timeoutMs: 5e3 };
  assert.equal(createOpenAi(options).hearing, undefined);
});

Deno.test("nobody speaking is an answer, not an error", async () => {
  await using google = await gemini({ kind: "answer", chunks: ["[no speech]\n"] });
  assert.deepEqual((await google.hearing.transcribe(AUDIO, never)).segments, []);
  await using other = await openAi({ json: { text: "", segments: [] } });
  assert.deepEqual((await other.hearing.transcribe(AUDIO, never)).segments, []);
});

const error = (status: number, message: string): GeminiReply => ({
  kind: "error",
  status,
  message,
});
const failing = (status: number, message: string, code?: string, headers = {}) => ({
  status,
  headers,
  json: { error: { message, code } },
});
type Failure = [what: string, () => Promise<Setup>, expected: Record<string, unknown>];
const RATE_LIMITED = { name: "AIRateLimitError", retriable: true, retryAfterMs: 7_000 };
const QUOTA = { name: "AIQuotaError", retriable: false, reason: "quota" };
const MAY_PASS = { name: "AIServiceError", retriable: true };
const FINAL = { name: "AIServiceError", retriable: false };
const UNFIT = { name: "AIHearingError", retriable: false, reason: "unfit" };
const CANNOT_HEAR = { name: "AIHearingError", retriable: false, reason: "cannot_hear" };
const failures: Failure[] = [
  ["a limit that passes (Gemini)", () => gemini(rateLimited(7)), RATE_LIMITED],
  [
    "a limit that passes (OpenAI)",
    () => openAi(failing(429, "Rate limit", "rate_limit_exceeded", { "retry-after": "7" })),
    RATE_LIMITED,
  ],
  ["a quota used up (Gemini)", () => gemini(quotaUsedUp()), QUOTA],
  ["a quota used up (OpenAI)", () => openAi(failing(429, "Quota", "insufficient_quota")), QUOTA],
  ["an overloaded server (Gemini)", () => gemini(error(503, "overloaded")), MAY_PASS],
  ["an overloaded server (OpenAI)", () => openAi(failing(503, "overloaded")), MAY_PASS],
  [
    "a transcript without times (Gemini)",
    () => gemini({ kind: "answer", chunks: ["Good morning."] }),
    MAY_PASS,
  ],
  ["an empty answer (Gemini)", () => gemini({ kind: "answer", chunks: [""] }), MAY_PASS],
  [
    "a transcript that is cut off (Gemini)",
    () => gemini({ kind: "answer", chunks: ["[00:00] Good"], finishReason: "MAX_TOKENS" }),
    MAY_PASS,
  ],
  ["no JSON (Gemini)", () => gemini({ kind: "raw", body: "data: {oops\r\n\r\n" }), MAY_PASS],
  [
    "no JSON (OpenAI)",
    () => openAi({ text: "{oops", headers: { "content-type": "application/json" } }),
    MAY_PASS,
  ],
  ["JSON of another shape (OpenAI)", () => openAi({ json: { answer: 42 } }), MAY_PASS],
  ["a wrong key (Gemini)", () => gemini(error(400, `API key not valid: ${KEY}`)), FINAL],
  ["a wrong key (OpenAI)", () => openAi(failing(401, `Incorrect API key: ${KEY}`)), FINAL],
  [
    "a refused recording (Gemini)",
    () => gemini(error(400, "Unsupported MIME type: audio/x-odd")),
    UNFIT,
  ],
  ["a refused recording (OpenAI)", () => openAi(failing(400, "Invalid file format.")), UNFIT],
  [
    "blocked words (Gemini)",
    () => gemini({ kind: "stopped", finishReason: "SAFETY" }),
    { name: "AIBlockedError" },
  ],
  ["no such way (OpenAI)", () => openAi(failing(404, "Not Found")), CANNOT_HEAR],
  ["a way for others (OpenAI)", () => openAi(failing(405, "Method Not Allowed")), CANNOT_HEAR],
  [
    "no answer in time (Gemini)",
    () => gemini({ kind: "hang" }, 150),
    { name: "AITimeoutError", retriable: true },
  ],
  [
    "no answer in time (OpenAI)",
    () => openAi("hang", 150),
    { name: "AITimeoutError", retriable: true },
  ],
];
for (const [what, start, expected] of failures) {
  Deno.test(`hearing fails with ${expected.name}: ${what}`, async () => {
    await using server = await start();
    const failure = await server.hearing.transcribe(AUDIO, never)
      .then(() => assert.fail("It heard."), (reason) => reason);
    assert.ok(failure instanceof AIServiceError, Deno.inspect(failure));
    const told = Object.keys(expected).map((key) => [key, failure[key as keyof AIServiceError]]);
    assert.deepEqual(Object.fromEntries(told), expected);
    assert.ok(!Deno.inspect(failure, { depth: 10 }).includes(KEY));
    assert.equal(server.calls(), 1, "nothing is tried again here");
  });
}

for (
  const [name, start] of [
    ["Gemini", () => gemini({ kind: "hang" })],
    ["OpenAI", () => openAi("hang")],
  ] as const
) {
  Deno.test(`giving up reaches the server that listens within 100 ms (${name})`, async () => {
    await using server = await start();
    const caller = new AbortController();
    const called = server.called();
    const hearing = server.hearing.transcribe(AUDIO, caller.signal);
    const { aborted } = await called;
    const stoppedAt = performance.now();
    caller.abort(new Error("stopped"));
    await assert.rejects(hearing, /stopped/);
    assert.ok(await aborted - stoppedAt < 100);
  });
}
