/**
 * Google's Gemini as a Provider, the only file that knows its SDK. The SDK
 * neither ends its timers and listeners nor tells a blocked answer from a
 * broken one, so time, abort, text and errors are all looked after here.
 */
import {
  type EmbedContentRequest,
  type GenerationConfig,
  GoogleGenerativeAI,
  GoogleGenerativeAIFetchError,
} from "@google/generative-ai";
import { z } from "zod";
import {
  AIBlockedError,
  AIHearingError,
  AIQuotaError,
  AIRateLimitError,
  AIServiceError,
  AISpeakingError,
  AITimeoutError,
} from "./errors.ts";
import { EMBEDDING_BATCH, embedRequest, toEmbedded } from "./gemini_embedding.ts";
import {
  GEMINI_VOICE,
  MAX_SPOKEN_LETTERS,
  SOUND,
  SPEECH_CONFIG,
  speechPrompt,
  toSpeech,
} from "./gemini_speech.ts";
import type { Audio, EmbeddingKind, Generated, Prompt, Provider, Speech } from "./provider.ts";
import type { Language } from "../texts/texts.ts";
import { parseTranscript, TRANSCRIBE_PROMPT } from "./transcript.ts";
import { embeddingMs } from "./vectors.ts";
import { withoutKey } from "./without_key.ts";

/** How Gemini is reached. */
export interface GeminiOptions {
  /** A key of Google AI Studio. */
  apiKey: string;
  /** Name of the model, such as `gemini-pro-latest`. */
  model: string;
  /** The model that speaks; without one it is taken not to. */
  speechModel?: string | undefined;
  /** Name of the model that embeds, such as `gemini-embedding-001`. */
  embeddingModel?: string | undefined;
  /** Without a path; Google's own unless given. */
  baseUrl?: string | undefined;
  /** The most milliseconds that one call may take, from first byte to last. */
  timeoutMs: number;
}

/** What Google adds to an error; a form that is not known is passed over. */
const DETAILS = z.array(z.looseObject({ retryDelay: z.string().optional() })).catch([]);

/** An answer, or one event of its stream, as far as it is used. */
const CHUNK = z.object({
  candidates: z.array(z.object({
    content: z.object({
      parts: z.array(z.object({
        text: z.string().optional(),
        thought: z.boolean().optional(),
        inlineData: SOUND.optional(),
      })).default([]),
    }).optional(),
    finishReason: z.string().optional(),
  })).optional(),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  usageMetadata: z.object({
    promptTokenCount: z.number().default(0),
    candidatesTokenCount: z.number().default(0),
    thoughtsTokenCount: z.number().default(0),
  }).optional(),
  error: z.object({
    code: z.number(),
    message: z.string().default(""),
    details: DETAILS,
  }).optional(),
});

/** An answer that ends so is whole. */
const WHOLE: ReadonlySet<string> = new Set(["STOP", "FINISH_REASON_UNSPECIFIED"]);
/** An answer that ends so is whole, or at least worth showing. */
const COMPLETE: ReadonlySet<string> = new Set([...WHOLE, "MAX_TOKENS"]);
/** A request may have 20 MB, and base64 makes three bytes four. */
const MAX_AUDIO_BYTES = 14 * 1024 * 1024;
const BLOCKED: ReadonlySet<string> = new Set([
  "SAFETY",
  "RECITATION",
  "LANGUAGE",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
]);

/** Answers by Gemini. Every failure is an error of `errors.ts`; none of them holds the key. */
export function createGemini(
  { apiKey, model, speechModel, embeddingModel, baseUrl, timeoutMs }: GeminiOptions,
): Provider {
  const client = new GoogleGenerativeAI(apiKey);
  const place = baseUrl === undefined ? {} : { baseUrl };

  /** Runs one call within its time; what fails becomes an error of ours, by `explain` first. */
  async function within<T>(
    signal: AbortSignal,
    run: (signal: AbortSignal) => Promise<T>,
    explain: (error: unknown, cause: Error) => AIServiceError | undefined = () => undefined,
    ms = timeoutMs,
  ): Promise<T> {
    signal.throwIfAborted();
    const call = new AbortController();
    const end = () => call.abort();
    signal.addEventListener("abort", end);
    const timer = setTimeout(end, ms);
    try {
      return await run(call.signal);
    } catch (error) {
      signal.throwIfAborted();
      const cause = withoutKey(error, apiKey);
      if (call.signal.aborted) {
        throw new AITimeoutError(`it took more than ${ms} ms`, { retriable: true, cause });
      }
      throw explain(error, cause) ?? toServiceError(error, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      // What is left of the response, if anything, would keep the connection open.
      call.abort();
    }
  }

  /** Writes; `complete` are the finish reasons of what may be used. */
  async function write(
    { system, user }: Prompt,
    audio: Audio | undefined,
    complete: ReadonlySet<string>,
    onChunk: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Generated> {
    const { stream, response } = await client
      .getGenerativeModel({ model, systemInstruction: system }, place)
      .generateContentStream(
        audio === undefined ? user : [inline(audio), { text: user }],
        { signal },
      );
    // The SDK's second copy of the answer fails with the first, which is the one that is read.
    response.catch(() => {});
    return await collect(stream, complete, onChunk);
  }

  /** Not streamed: a streamed speech of over a minute is broken off. */
  async function speak(
    model: string,
    text: string,
    language: Language,
    signal: AbortSignal,
  ): Promise<Speech> {
    const { response } = await client
      .getGenerativeModel({ model, generationConfig: SPEECH_CONFIG as GenerationConfig }, place)
      .generateContent(speechPrompt(text, language), { signal });
    const { candidate, usage } = checked(response);
    const finishReason = candidate?.finishReason ?? "";
    if (!WHOLE.has(finishReason)) throw brokenOff("broken off", finishReason);
    const sounds = (candidate?.content?.parts ?? []).flatMap(({ inlineData }) => inlineData ?? []);
    return toSpeech(sounds, tokensOf(usage));
  }

  return {
    name: "gemini",
    model,
    generate: (prompt, onChunk, signal) =>
      within(signal, (signal) => write(prompt, undefined, COMPLETE, onChunk, signal)),
    hearing: {
      maxBytes: MAX_AUDIO_BYTES,
      async transcribe(audio, signal) {
        // What is cut off would be a document with its end missing.
        const { text, ...tokens } = await within(
          signal,
          (signal) => write(TRANSCRIBE_PROMPT, audio, WHOLE, () => {}, signal),
          toHearingError,
        );
        return { segments: parseTranscript(text), ...tokens };
      },
    },
    ...(speechModel !== undefined && {
      speaking: {
        voice: `${speechModel}/${GEMINI_VOICE}`,
        maxLetters: MAX_SPOKEN_LETTERS,
        speak: (text: string, language: Language, signal: AbortSignal) =>
          within(signal, (signal) => speak(speechModel, text, language, signal), toSpeakingError),
      },
    }),
    ...(embeddingModel !== undefined && {
      embedding: {
        model: embeddingModel,
        batch: EMBEDDING_BATCH,
        embed: (texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal) =>
          within(
            signal,
            async (signal) => {
              const requests = texts.map((text) => embedRequest(text, kind) as EmbedContentRequest);
              const answer = await client.getGenerativeModel({ model: embeddingModel }, place)
                .batchEmbedContents({ requests }, { signal });
              return toEmbedded(answer, texts);
            },
            undefined,
            embeddingMs(kind, timeoutMs),
          ),
      },
    }),
  };
}

function inline({ bytes, mimeType }: Audio): { inlineData: { mimeType: string; data: string } } {
  return { inlineData: { mimeType, data: bytes.toBase64() } };
}

/** Where the recording is at fault; a wrong key is a 400 as well. */
function toHearingError(error: unknown, cause: Error): AIServiceError | undefined {
  const isUnfit = error instanceof GoogleGenerativeAIFetchError &&
    (error.status === 400 || error.status === 415) &&
    /mime|audio|video|media|decode/i.test(error.message);
  if (isUnfit) return new AIHearingError("unfit", "Gemini does not take this recording", { cause });
}

/** Where the model is not there, or writes alone. */
function toSpeakingError(error: unknown, cause: Error): AIServiceError | undefined {
  const isMute = error instanceof GoogleGenerativeAIFetchError &&
    (error.status === 404 || error.status === 400 && /modalit/i.test(error.message));
  if (isMute) return new AISpeakingError("its speech model does not speak", { cause });
}

/** An answer or an event of one, unless it is an error, blocked, or none at all. */
function checked(answer: unknown) {
  const { success, data, error: cause } = CHUNK.safeParse(answer);
  if (!success) throw new AIServiceError("its answer is malformed", { retriable: true, cause });
  const { error, promptFeedback, candidates, usageMetadata: usage } = data;
  if (error !== undefined) {
    throw new GoogleGenerativeAIFetchError(error.message, error.code, undefined, error.details);
  }
  if (promptFeedback?.blockReason !== undefined) {
    throw new AIBlockedError(`the prompt was blocked (${promptFeedback.blockReason})`);
  }
  const candidate = candidates?.[0];
  if (candidate?.finishReason !== undefined && BLOCKED.has(candidate.finishReason)) {
    throw new AIBlockedError(`the answer was blocked (${candidate.finishReason})`);
  }
  return { candidate, usage };
}

function brokenOff(what: string, finishReason: string): AIServiceError {
  return new AIServiceError(`its answer is ${what} (${finishReason || "no end"})`, {
    retriable: true,
  });
}

function tokensOf(usage: z.output<typeof CHUNK>["usageMetadata"]) {
  return {
    promptTokens: usage?.promptTokenCount ?? 0,
    // Thinking is billed as output.
    answerTokens: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
  };
}

async function collect(
  stream: AsyncIterable<unknown>,
  complete: ReadonlySet<string>,
  onChunk: (text: string) => void,
): Promise<Generated> {
  let text = "";
  let finishReason = "";
  let usage: z.output<typeof CHUNK>["usageMetadata"];
  for await (const event of stream) {
    const { candidate, usage: counted } = checked(event);
    usage = counted ?? usage;
    finishReason = candidate?.finishReason ?? finishReason;
    const piece = (candidate?.content?.parts ?? [])
      .map((part) => part.thought ? "" : part.text ?? "")
      .join("");
    if (piece === "") continue;
    text += piece;
    onChunk(piece);
  }
  if (!complete.has(finishReason) || text.trim() === "") {
    throw brokenOff(text.trim() === "" ? "empty" : "broken off", finishReason);
  }
  return { text, ...tokensOf(usage) };
}

/** `cause` is `error` without the key. */
function toServiceError(error: unknown, cause: Error): AIServiceError {
  if (error instanceof AIServiceError) return error;
  if (!(error instanceof GoogleGenerativeAIFetchError)) {
    const detail = "the connection failed or its answer is malformed";
    return new AIServiceError(detail, { retriable: true, cause });
  }
  const { status = 500, errorDetails } = error;
  const answered = `Gemini answered ${status}`;
  if (status !== 429) {
    return new AIServiceError(answered, { retriable: status >= 500 || status === 408, cause });
  }
  // The quota's id is among the details: "GenerateRequestsPerDayPerProjectPerModel".
  if (/per\s?day|credits are depleted/i.test(error.message + JSON.stringify(errorDetails))) {
    return new AIQuotaError(`${answered}: the quota is used up`, { cause });
  }
  return new AIRateLimitError(`${answered}: too many requests`, {
    retriable: true,
    cause,
    ...retryAfter(errorDetails),
  });
}

/** Reads google.rpc.RetryInfo, whose delay is written in seconds as "34.07s". */
function retryAfter(details: unknown): { retryAfterMs?: number } {
  for (const { retryDelay } of DETAILS.parse(details)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(retryDelay ?? "")?.[1];
    if (seconds !== undefined) return { retryAfterMs: Math.ceil(Number(seconds) * 1000) };
  }
  return {};
}
