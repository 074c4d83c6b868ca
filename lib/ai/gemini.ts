/**
 * Google's Gemini as a Provider, the only file that knows its SDK. The SDK
 * neither ends its timers and listeners nor tells a blocked answer from a
 * broken one, so time, abort, text and errors are all looked after here.
 */
import {
  type EmbedContentRequest,
  GoogleGenerativeAI,
  GoogleGenerativeAIFetchError,
  TaskType,
} from "@google/generative-ai";
import { z } from "zod";
import {
  AIBlockedError,
  AIHearingError,
  AIQuotaError,
  AIRateLimitError,
  AIServiceError,
  AITimeoutError,
} from "./errors.ts";
import { estimateTokens } from "../retrieval/tokens.ts";
import {
  type Audio,
  type Embedded,
  type EmbeddingKind,
  type Generated,
  type Prompt,
  type Provider,
  QUESTION_EMBEDDING_MS,
} from "./provider.ts";
import { checkedVectors } from "./vectors.ts";
import { parseTranscript, TRANSCRIBE_PROMPT } from "./transcript.ts";
import { withoutKey } from "./without_key.ts";

/** How Gemini is reached. */
export interface GeminiOptions {
  /** A key of Google AI Studio. */
  apiKey: string;
  /** Name of the model, such as `gemini-pro-latest`. */
  model: string;
  /** Name of the model that embeds, such as `gemini-embedding-001`. */
  embeddingModel?: string | undefined;
  /** Without a path; Google's own unless given. */
  baseUrl?: string | undefined;
  /** The most milliseconds that one call may take, from first byte to last. */
  timeoutMs: number;
}

/** What Google adds to an error; a form that is not known is passed over. */
const DETAILS = z.array(z.looseObject({ retryDelay: z.string().optional() })).catch([]);

/** One event of the stream, as far as it is used. */
const CHUNK = z.object({
  candidates: z.array(z.object({
    content: z.object({
      parts: z.array(z.object({ text: z.string().optional(), thought: z.boolean().optional() }))
        .default([]),
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

/** What a batch of embeddings is answered with, as far as it is used. */
const EMBEDDINGS = z.object({
  embeddings: z.array(z.object({ values: z.array(z.number()) })),
});
/** The most texts that Google takes in one call. */
const EMBEDDING_BATCH = 100;
/** Of the model's 3,072, which are ordered by what they tell: so many keep nearly all of it. */
const DIMENSIONS = 768;
const TASKS: Readonly<Record<EmbeddingKind, TaskType>> = {
  document: TaskType.RETRIEVAL_DOCUMENT,
  question: TaskType.RETRIEVAL_QUERY,
};

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
  { apiKey, model, embeddingModel, baseUrl, timeoutMs }: GeminiOptions,
): Provider {
  const client = new GoogleGenerativeAI(apiKey);
  const where = baseUrl === undefined ? {} : { baseUrl };

  /** Runs one call within its time; what fails becomes an error of ours. */
  async function within<T>(
    signal: AbortSignal,
    ms: number,
    run: (signal: AbortSignal) => Promise<T>,
    explain: (error: unknown, cause: Error) => AIServiceError,
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
      throw explain(error, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      // What is left of the response, if anything, would keep the connection open.
      call.abort();
    }
  }

  /** One call that writes; `complete` are the finish reasons of what may be used. */
  function generate(
    { system, user }: Prompt,
    audio: Audio | undefined,
    complete: ReadonlySet<string>,
    onChunk: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Generated> {
    return within(
      signal,
      timeoutMs,
      async (signal) => {
        const { stream, response } = await client
          .getGenerativeModel({ model, systemInstruction: system }, where)
          .generateContentStream(
            audio === undefined ? user : [inline(audio), { text: user }],
            { signal },
          );
        // The SDK's second copy of the answer fails with the first, which is the one that is read.
        response.catch(() => {});
        return await collect(stream, complete, onChunk);
      },
      (error, cause) =>
        audio !== undefined && isUnfit(error)
          ? new AIHearingError("unfit", "Gemini does not take this recording", { cause })
          : toServiceError(error, cause),
    );
  }

  return {
    name: "gemini",
    model,
    generate: (prompt, onChunk, signal) => generate(prompt, undefined, COMPLETE, onChunk, signal),
    hearing: {
      maxBytes: MAX_AUDIO_BYTES,
      async transcribe(audio, signal) {
        // What is cut off would be a document with its end missing.
        const heard = generate(TRANSCRIBE_PROMPT, audio, WHOLE, () => {}, signal);
        const { text, ...tokens } = await heard;
        return { segments: parseTranscript(text), ...tokens };
      },
    },
    ...(embeddingModel !== undefined && {
      embedding: {
        model: embeddingModel,
        batch: EMBEDDING_BATCH,
        embed: (texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal) => {
          const ms = kind === "question" ? Math.min(timeoutMs, QUESTION_EMBEDDING_MS) : timeoutMs;
          return within(signal, ms, async (signal) => {
            const answer = await client.getGenerativeModel({ model: embeddingModel }, where)
              .batchEmbedContents(
                { requests: texts.map((text) => embedRequest(text, kind)) },
                { signal },
              );
            return readEmbeddings(answer, texts);
          }, toServiceError);
        },
      },
    }),
  };
}

/** The SDK passes the count of dimensions on, though its types do not know it. */
function embedRequest(
  text: string,
  kind: EmbeddingKind,
): EmbedContentRequest & { outputDimensionality: number } {
  return {
    content: { role: "user", parts: [{ text }] },
    taskType: TASKS[kind],
    outputDimensionality: DIMENSIONS,
  };
}

/** The API counts no tokens of a batch, so we estimate them. */
function readEmbeddings(answer: unknown, texts: readonly string[]): Embedded {
  const { data, error: cause } = EMBEDDINGS.safeParse(answer);
  const vectors = data?.embeddings.map(({ values }) => values);
  return {
    vectors: checkedVectors(vectors, texts.length, { cause }),
    tokens: texts.reduce((sum, text) => sum + estimateTokens(text), 0),
  };
}

function inline({ bytes, mimeType }: Audio): { inlineData: { mimeType: string; data: string } } {
  return { inlineData: { mimeType, data: bytes.toBase64() } };
}

/** Whether what was sent is at fault; a wrong key is a 400 as well. */
function isUnfit(error: unknown): boolean {
  return error instanceof GoogleGenerativeAIFetchError &&
    (error.status === 400 || error.status === 415) &&
    /mime|audio|video|media|decode/i.test(error.message);
}

async function collect(
  stream: AsyncIterable<unknown>,
  complete: ReadonlySet<string>,
  onChunk: (text: string) => void,
): Promise<Generated> {
  let text = "";
  let finishReason = "";
  let usage = { promptTokenCount: 0, candidatesTokenCount: 0, thoughtsTokenCount: 0 };
  for await (const event of stream) {
    const { success, data, error: cause } = CHUNK.safeParse(event);
    if (!success) throw new AIServiceError("its answer is malformed", { retriable: true, cause });
    const { error, promptFeedback, candidates, usageMetadata } = data;
    if (error !== undefined) {
      throw new GoogleGenerativeAIFetchError(error.message, error.code, undefined, error.details);
    }
    if (promptFeedback?.blockReason !== undefined) {
      throw new AIBlockedError(`the prompt was blocked (${promptFeedback.blockReason})`);
    }
    usage = usageMetadata ?? usage;
    const candidate = candidates?.[0];
    finishReason = candidate?.finishReason ?? finishReason;
    if (BLOCKED.has(finishReason)) {
      throw new AIBlockedError(`the answer was blocked (${finishReason})`);
    }
    const piece = (candidate?.content?.parts ?? [])
      .map((part) => part.thought ? "" : part.text ?? "")
      .join("");
    if (piece === "") continue;
    text += piece;
    onChunk(piece);
  }
  if (!complete.has(finishReason) || text.trim() === "") {
    const what = text.trim() === "" ? "empty" : "broken off";
    throw new AIServiceError(`its answer is ${what} (${finishReason || "no end"})`, {
      retriable: true,
    });
  }
  return {
    text,
    promptTokens: usage.promptTokenCount,
    // Thinking is billed as output.
    answerTokens: usage.candidatesTokenCount + usage.thoughtsTokenCount,
  };
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
