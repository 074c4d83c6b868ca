/** How both providers speak, over real HTTP: what they send, what they make of the sound, and which errors failures become. */
import assert from "node:assert/strict";
import { AIServiceError } from "../lib/ai/errors.ts";
import { createGemini } from "../lib/ai/gemini.ts";
import { createOpenAi } from "../lib/ai/openai.ts";
import type { Provider, Speaking } from "../lib/ai/provider.ts";
import { splitWav } from "../lib/audio/wav.ts";
import * as gemini from "./support/gemini_server.ts";
import type { ModelReply, ModelServer } from "./support/model_server.ts";
import * as openai from "./support/openai_server.ts";
import { opus, wav } from "./support/recordings.ts";

const KEY = "key-that-nobody-may-see";
const TEXT = "Три месяца.\nThree months.";
const never = new AbortController().signal;

/** One vendor: its stand-in, its adapter, and how it says what all vendors say. */
interface Vendor<Reply> {
  name: string;
  start(): Promise<ModelServer<Reply>>;
  connect(url: string, timeoutMs: number): Provider;
  sound(bytes: Uint8Array): Reply;
  failures: readonly [what: string, reply: Reply | ModelReply, Record<string, unknown>][];
}

const RATE_LIMITED = { name: "AIRateLimitError", retriable: true, retryAfterMs: 7_000 };
const QUOTA = { name: "AIQuotaError", retriable: false, reason: "quota" };
const BLOCKED = { name: "AIBlockedError", retriable: false, reason: "blocked" };
const MAY_PASS = { name: "AIServiceError", retriable: true };
const FINAL = { name: "AIServiceError", retriable: false };
const MUTE = { name: "AISpeakingError", retriable: false, reason: "cannot_speak" };

const error = (status: number, message = `Echoed: ${KEY}`): ModelReply => ({
  kind: "error",
  status,
  message,
});
const sounds = (parts: readonly unknown[], finishReason = "STOP"): gemini.GeminiReply => ({
  kind: "json",
  body: { candidates: [{ content: { parts }, finishReason }] },
});

const GEMINI: Vendor<gemini.GeminiReply> = {
  name: "Gemini",
  start: gemini.startGeminiServer,
  connect: (baseUrl, timeoutMs) =>
    createGemini({ apiKey: KEY, model: "g", speechModel: "voice", baseUrl, timeoutMs }),
  sound: (bytes) => gemini.spoken(bytes, "audio/ogg"),
  failures: [
    ["a limit that passes", gemini.rateLimited(7), RATE_LIMITED],
    ["a quota used up", gemini.quotaUsedUp(), QUOTA],
    [
      "blocked words",
      { kind: "json", body: { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } } },
      BLOCKED,
    ],
    ["a blocked sound", sounds([], "SAFETY"), BLOCKED],
    ["a sound broken off", sounds([{ text: "x" }], "OTHER"), MAY_PASS],
    ["words instead of a sound", sounds([{ text: "I am a poet." }]), MAY_PASS],
    ["no candidate", { kind: "json", body: {} }, MAY_PASS],
    ["null", { kind: "json", body: null }, MAY_PASS],
    ["no samples", gemini.spoken(new Uint8Array()), MAY_PASS],
    ["samples of no rate", gemini.spoken(new Uint8Array(4), "audio/L16;codec=pcm"), MAY_PASS],
    [
      "no base64",
      sounds([{ inlineData: { mimeType: "audio/L16;rate=24000", data: "?" } }]),
      MAY_PASS,
    ],
    [
      "a model that writes alone",
      error(400, "The requested combination of response modalities (AUDIO) is not supported."),
      MUTE,
    ],
    ["a wrong key", error(400, `API key not valid: ${KEY}`), FINAL],
  ],
};

const OPENAI: Vendor<openai.OpenAiReply> = {
  name: "OpenAI",
  start: openai.startOpenAiServer,
  connect: (url, timeoutMs) =>
    createOpenAi({
      apiKey: KEY,
      model: "m",
      speech: { model: "voice", voice: "ada" },
      baseUrl: `${url}/v1`,
      timeoutMs,
    }),
  sound: (bytes) => ({ kind: "speech", bytes }),
  failures: [
    ["a limit that passes", openai.rateLimited(7), RATE_LIMITED],
    ["a quota used up", openai.quotaUsedUp(), QUOTA],
    [
      "blocked words",
      { kind: "error", status: 400, message: "No.", code: "content_filter" },
      BLOCKED,
    ],
    ["no such way", error(405), MUTE],
    ["an unknown voice", error(422), FINAL],
    ["a wrong key", error(401), FINAL],
  ],
};

speaks(GEMINI);
speaks(OPENAI);

function speaks<Reply>(vendor: Vendor<Reply | ModelReply>): void {
  const { name, start, connect, sound } = vendor;
  const speakingAt = (url: string, timeoutMs = 10_000): Speaking => {
    const { speaking } = connect(url, timeoutMs);
    assert.ok(speaking);
    return speaking;
  };

  Deno.test(`${name}: a call carries the key, the model, its voice and the text`, async () => {
    await using server = await start();
    const speaking = speakingAt(server.url);
    await speaking.speak(TEXT, "en", never);
    const [call] = server.calls;
    assert.deepEqual([call?.apiKey, call?.model, `${call?.model}/${call?.voice}`], [
      KEY,
      "voice",
      speaking.voice,
    ]);
    assert.ok(call?.user.endsWith(TEXT));
  });

  for (const [bytes, extension, seconds] of [[opus(3), "ogg", 3], [wav(2), "wav", 2]] as const) {
    Deno.test(`${name}: a sound is what its content tells (${extension})`, async () => {
      await using server = await start();
      server.next(sound(bytes));
      const speech = await speakingAt(server.url).speak(TEXT, "en", never);
      assert.deepEqual([speech.extension, speech.mimeType], [extension, `audio/${extension}`]);
      assert.deepEqual(speech.bytes, bytes);
      assert.ok(Math.abs((speech.seconds ?? 0) - seconds) < 0.1, `${speech.seconds} s`);
    });
  }

  const failures: typeof vendor.failures = [
    ...vendor.failures,
    ["an overloaded server", error(503), MAY_PASS],
    ["a page instead of a sound", sound(new TextEncoder().encode("<html>")), MAY_PASS],
    ["not a byte", sound(new Uint8Array()), MAY_PASS],
    ["no such model", error(404), MUTE],
  ];
  for (const [what, reply, expected] of failures) {
    Deno.test(`${name}: speaking fails with ${expected.name}: ${what}`, async () => {
      await using server = await start();
      server.next(reply);
      const failure = await failed(speakingAt(server.url).speak(TEXT, "en", never));
      assert.ok(failure instanceof AIServiceError, Deno.inspect(failure));
      const told = Object.keys(expected).map((key) => [key, failure[key as keyof AIServiceError]]);
      assert.deepEqual(Object.fromEntries(told), expected);
      assert.ok(!Deno.inspect(failure, { depth: 10, showHidden: true }).includes(KEY));
      assert.equal(server.calls.length, 1, "nothing is tried again here");
    });
  }

  Deno.test(`${name}: a server that falls silent runs into the time-out and is hung up on`, async () => {
    await using server = await start();
    server.next({ kind: "hang" });
    const called = server.called();
    const failure = await failed(speakingAt(server.url, 150).speak(TEXT, "en", never));
    assert.deepEqual([failure.name, failure.retriable], ["AITimeoutError", true]);
    await (await called).aborted;
  });

  Deno.test(`${name}: giving up reaches the server that speaks within 100 ms`, async () => {
    await using server = await start();
    server.next({ kind: "hang" });
    const caller = new AbortController();
    const called = server.called();
    const speech = failed(speakingAt(server.url).speak(TEXT, "en", caller.signal));
    const { aborted } = await called;
    const reason = new Error("stopped");
    const gaveUpAt = performance.now();
    caller.abort(reason);
    assert.equal(await speech, reason);
    assert.ok(await aborted - gaveUpAt < 100);
  });
}

function failed(speech: Promise<unknown>): Promise<AIServiceError> {
  return speech.then(() => assert.fail("It spoke."), (reason) => reason);
}

Deno.test("a vendor is taken not to speak unless its model is named", () => {
  const options = { baseUrl: "http://127.0.0.1:1/v1", model: "m", timeoutMs: 5e3 };
  assert.equal(createOpenAi(options).speaking, undefined);
  assert.equal(createGemini({ ...options, apiKey: KEY }).speaking, undefined);
});

Deno.test("Gemini's samples become a WAV file, and its tokens are told", async () => {
  await using server = await gemini.startGeminiServer();
  // One second of a rising line, in two parts.
  const samples = new Uint8Array(Int16Array.from({ length: 24_000 }, (_, n) => n - 12_000).buffer);
  const mimeType = "audio/L16;codec=pcm;rate=24000";
  const parts = [samples.subarray(0, 10_000), samples.subarray(10_000)]
    .map((piece) => ({ inlineData: { mimeType, data: piece.toBase64() } }));
  server.next({
    kind: "json",
    body: {
      candidates: [{ content: { parts }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 25 },
    },
  });
  const speech = await GEMINI.connect(server.url, 5e3).speaking?.speak(TEXT, "ru", never);
  assert.ok(speech);
  const { bytes, ...told } = speech;
  assert.deepEqual(told, {
    mimeType: "audio/wav",
    extension: "wav",
    seconds: 1,
    promptTokens: 12,
    answerTokens: 25,
  });
  const view = new DataView(bytes.buffer);
  // Where the canonical header of 44 bytes has format, channels, rate, bytes a second and a block, bits.
  assert.deepEqual(
    [20, 22, 32, 34].map((at) => view.getUint16(at, true)),
    [1, 1, 2, 16],
  );
  assert.deepEqual([24, 28].map((at) => view.getUint32(at, true)), [24_000, 48_000]);
  assert.deepEqual(bytes.subarray(44), samples);
  assert.equal(splitWav(bytes, { maxBytes: Infinity, maxSeconds: 0.5 })?.length, 2);
  assert.match(server.calls[0]?.user ?? "", /^Прочитай вслух/);
});

Deno.test("a server that knows no Opus is asked for MP3", async () => {
  await using server = await openai.startOpenAiServer();
  server.next({ kind: "error", status: 422, message: "response_format: Input should be 'mp3'" });
  await OPENAI.connect(server.url, 5e3).speaking?.speak(TEXT, "en", never);
  assert.deepEqual(server.calls.map(({ format }) => format), ["opus", "mp3"]);
});
