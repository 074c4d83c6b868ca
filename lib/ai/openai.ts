/**
 * Any server that speaks OpenAI's chat completions as a Provider, a local one
 * too; the only file that knows the SDK. Tries, pauses and time-outs are the
 * AiActor's and this file's, so the SDK's own are switched off.
 */
import type OpenAI from "openai";
import type { APIError } from "openai";
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
import { embed, EMBEDDING_BATCH } from "./openai_embedding.ts";
import { isMute, MAX_SPOKEN_LETTERS, speak, type Voice } from "./openai_speech.ts";
import type { Audio, EmbeddingKind, Generated, Provider, Transcript } from "./provider.ts";
import { fetchOnce } from "../fetch_once.ts";
import type { Language } from "../texts/texts.ts";
import { embeddingMs } from "./vectors.ts";
import { withoutKey } from "./without_key.ts";

/** How the server is reached. */
export interface OpenAiOptions {
  /** A local server may need none. */
  apiKey?: string | undefined;
  /** With the version in its path, such as `http://127.0.0.1:11434/v1`. */
  baseUrl: string;
  /** As the server names it. */
  model: string;
  /** The model that hears; a server without one is taken not to. */
  transcribeModel?: string | undefined;
  /** What speaks; a server without it is taken not to. */
  speech?: Voice | undefined;
  /** The model that embeds; a server without one is searched by words alone. */
  embeddingModel?: string | undefined;
  /** The most milliseconds that one call may take, from first byte to last. */
  timeoutMs: number;
}

/** One event of the stream, as far as it is used. */
const CHUNK = z.object({
  choices: z.array(z.object({
    delta: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }).default({}),
    finish_reason: z.string().nullish(),
  })).default([]),
  usage: z.object({
    prompt_tokens: z.number().default(0),
    completion_tokens: z.number().default(0),
  }).nullish(),
});

/** A transcript; a server that knows no times gives the text alone. */
const TRANSCRIPT = z.object({
  text: z.string(),
  segments: z.array(z.object({ start: z.number().nonnegative(), text: z.string() })).nullish(),
  usage: z.object({
    input_tokens: z.number().default(0),
    output_tokens: z.number().default(0),
  }).nullish().catch(undefined),
});

/** OpenAI takes 25 MB, and the form around the recording needs some. */
const MAX_AUDIO_BYTES = 24 * 1024 * 1024;
/** Statuses of servers that do not have the way, or not the model. */
const NO_EARS: ReadonlySet<number> = new Set([404, 405, 501]);

/** An answer that ends so is whole, or at least worth showing. */
const COMPLETE: ReadonlySet<string> = new Set(["stop", "length"]);
/** What servers write where a quota, not a passing limit, is used up. */
const QUOTA = /insufficient_quota|billing|quota.*(?:day|month)|per[ _]day|credits?/i;
const SECONDS = /^\d+(?:\.\d+)?$/;

/** Answers by a compatible server. Every failure is an error of `errors.ts`; none of them holds the key. */
export function createOpenAi(
  { apiKey, baseUrl, model, transcribeModel, speech, embeddingModel, timeoutMs }: OpenAiOptions,
): Provider {
  /** Runs one call within its time; what fails becomes an error of ours. */
  async function within<T>(
    signal: AbortSignal,
    run: (client: OpenAI, signal: AbortSignal) => Promise<T>,
    explain: (error: APIError, cause: Error) => AIServiceError,
    ms = timeoutMs,
  ): Promise<T> {
    signal.throwIfAborted();
    const { default: OpenAI } = await import("openai");
    const client = new OpenAI({
      apiKey: apiKey ?? "none",
      baseURL: baseUrl,
      maxRetries: 0,
      timeout: ms,
      logLevel: "off",
      organization: null,
      project: null,
      fetch: fetchOnce,
    });
    const call = new AbortController();
    const end = () => call.abort();
    signal.addEventListener("abort", end);
    const timer = setTimeout(end, ms);
    try {
      return await run(client, call.signal);
    } catch (error) {
      signal.throwIfAborted();
      const cause = withoutKey(error, apiKey);
      if (call.signal.aborted) {
        throw new AITimeoutError(`it took more than ${ms} ms`, { retriable: true, cause });
      }
      throw error instanceof OpenAI.APIError
        ? explain(error, cause)
        : error instanceof AIServiceError
        ? error
        : new AIServiceError("the connection failed or its answer is malformed", {
          retriable: true,
          cause,
        });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      // What is left of the response, if anything, would keep the connection open.
      call.abort();
    }
  }

  return {
    name: "openai",
    model,
    generate: (prompt, onChunk, signal) =>
      within(signal, async (client, signal) => {
        const stream = await client.chat.completions.create({
          model,
          stream: true,
          stream_options: { include_usage: true },
          messages: [
            { role: "system", content: prompt.system },
            { role: "user", content: prompt.user },
          ],
        }, { signal });
        return await collect(stream, onChunk, signal);
      }, toServiceError),
    ...(transcribeModel !== undefined && {
      hearing: {
        maxBytes: MAX_AUDIO_BYTES,
        transcribe: (audio: Audio, signal: AbortSignal) =>
          within(
            signal,
            (client, signal) => transcribe(client, transcribeModel, audio, signal),
            toHearingError,
          ),
      },
    }),
    ...(speech !== undefined && {
      speaking: {
        voice: `${speech.model}/${speech.voice}`,
        maxLetters: MAX_SPOKEN_LETTERS,
        speak: (text: string, _language: Language, signal: AbortSignal) =>
          within(signal, (client, signal) => speak(client, speech, text, signal), toSpeakingError),
      },
    }),
    ...(embeddingModel !== undefined && {
      embedding: {
        model: embeddingModel,
        batch: EMBEDDING_BATCH,
        embed: (texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal) =>
          within(
            signal,
            (client, signal) => embed(client, embeddingModel, texts, signal),
            toServiceError,
            embeddingMs(kind, timeoutMs),
          ),
      },
    }),
  };
}

/** Asks for segments with their times, and where the model knows none for the text. */
async function transcribe(
  client: OpenAI,
  model: string,
  { bytes, mimeType, extension }: Audio,
  signal: AbortSignal,
): Promise<Transcript> {
  const { APIError, toFile } = await import("openai");
  const file = await toFile(bytes, `recording.${extension}`, { type: mimeType });
  const ask = (format: "verbose_json" | "json") =>
    client.audio.transcriptions.create({ file, model, response_format: format }, { signal });
  const answer: unknown = await ask("verbose_json").catch((error) => {
    const isFormat = error instanceof APIError && error.status === 400 &&
      /response_format|verbose_json/.test(error.message);
    if (isFormat) return ask("json");
    throw error;
  });
  // A server that takes no notice of the format answers in plain text.
  const { success, data, error: cause } = TRANSCRIPT.safeParse(
    typeof answer === "string" ? { text: answer } : answer,
  );
  if (!success) throw new AIServiceError("its transcript is malformed", { retriable: true, cause });
  const { text, segments, usage } = data;
  return {
    segments: (segments ?? [{ start: 0, text }])
      .map((segment) => ({ start: segment.start, text: segment.text.replace(/\s+/g, " ").trim() }))
      .filter((segment) => segment.text !== ""),
    promptTokens: usage?.input_tokens ?? 0,
    answerTokens: usage?.output_tokens ?? 0,
  };
}

/** `cause` is `error` without the key. */
function toHearingError(error: APIError, cause: Error): AIServiceError {
  const { status } = error;
  if (status !== undefined && NO_EARS.has(status)) {
    return new AIHearingError("cannot_hear", `the server answered ${status}`, { cause });
  }
  if (status === 400 || status === 413 || status === 415 || status === 422) {
    return new AIHearingError("unfit", `the server answered ${status}`, { cause });
  }
  return toServiceError(error, cause);
}

/** `cause` is `error` without the key. */
function toSpeakingError(error: APIError, cause: Error): AIServiceError {
  return isMute(error)
    ? new AISpeakingError(`the server answered ${error.status}`, { cause })
    : toServiceError(error, cause);
}

async function collect(
  stream: AsyncIterable<unknown>,
  onChunk: (text: string) => void,
  signal: AbortSignal,
): Promise<Generated> {
  let text = "";
  let finishReason = "";
  let usage = { prompt_tokens: 0, completion_tokens: 0 };
  for await (const event of stream) {
    const { success, data, error: cause } = CHUNK.safeParse(event);
    if (!success) throw new AIServiceError("its answer is malformed", { retriable: true, cause });
    usage = data.usage ?? usage;
    const [choice] = data.choices;
    if (choice === undefined) continue;
    finishReason = choice.finish_reason ?? finishReason;
    if (choice.delta.refusal || finishReason === "content_filter") {
      throw new AIBlockedError(`the answer was blocked (${finishReason || "refusal"})`);
    }
    const piece = choice.delta.content ?? "";
    if (piece === "") continue;
    text += piece;
    onChunk(piece);
  }
  // The SDK ends the stream of an aborted call as if it were over.
  signal.throwIfAborted();
  if (!COMPLETE.has(finishReason) || text.trim() === "") {
    const what = text.trim() === "" ? "empty" : "broken off";
    throw new AIServiceError(`its answer is ${what} (${finishReason || "no end"})`, {
      retriable: true,
    });
  }
  return { text, promptTokens: usage.prompt_tokens, answerTokens: usage.completion_tokens };
}

/** `cause` is `error` without the key. */
function toServiceError(error: APIError, cause: Error): AIServiceError {
  const { status, code, headers } = error;
  if (status === undefined) {
    return new AIServiceError("the connection failed", { retriable: true, cause });
  }
  const answered = `the server answered ${status}`;
  if (code === "content_filter") {
    return new AIBlockedError("the prompt was blocked (content_filter)", { cause });
  }
  if (status === 402 || status === 429 && QUOTA.test(`${code} ${error.message}`)) {
    return new AIQuotaError(`${answered}: the quota is used up`, { cause });
  }
  if (status === 429) {
    return new AIRateLimitError(`${answered}: too many requests`, {
      retriable: true,
      cause,
      ...retryAfter(headers),
    });
  }
  return new AIServiceError(answered, { retriable: status >= 500 || status === 408, cause });
}

/** `Retry-After` in seconds, or OpenAI's own in milliseconds. */
function retryAfter(headers: Headers | undefined): { retryAfterMs?: number } {
  const ms = headers?.get("retry-after-ms") ?? "";
  if (SECONDS.test(ms)) return { retryAfterMs: Math.ceil(Number(ms)) };
  const seconds = headers?.get("retry-after") ?? "";
  return SECONDS.test(seconds) ? { retryAfterMs: Math.ceil(Number(seconds) * 1_000) } : {};
}
