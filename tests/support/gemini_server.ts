/** A Gemini server for tests, with Google's routes, events and errors; see `model_server.ts`. */
import type { ServerResponse } from "node:http";
import {
  type ModelCall,
  type ModelReply,
  type ModelServer,
  quoteFrom,
  startModelServer,
  writeEvents,
} from "./model_server.ts";

export type GeminiReply =
  | Exclude<ModelReply, { kind: "error" }>
  | { kind: "error"; status: number; message: string; details?: readonly GeminiErrorDetail[] }
  /** The answer ends with a finish reason that says why there is no more of it. */
  | { kind: "stopped"; finishReason: string }
  /** A whole answer, as it comes to a call that is not streamed. */
  | { kind: "json"; body: unknown }
  /** The prompt itself is refused. */
  | { kind: "blocked"; blockReason: string };

export interface GeminiErrorDetail {
  "@type": string;
  [field: string]: unknown;
}

export type GeminiCall = ModelCall;
/** Its `url` is for `GEMINI_BASE_URL`. */
export interface GeminiServer extends ModelServer<GeminiReply> {
  /** What unscripted calls hear in a recording, and what each waits for before it ends. */
  hear(listener: (recording: Uint8Array) => string, gate?: () => Promise<void>): void;
}

/** Google's 429 for a limit that passes by itself, `seconds` from now. */
export function rateLimited(seconds: number): GeminiReply {
  return tooMany("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", seconds);
}

/** Google's 429 for a day's quota: with a delay too, which must not be believed. */
export function quotaUsedUp(): GeminiReply {
  return tooMany("GenerateRequestsPerDayPerProjectPerModel-FreeTier", 12);
}

const SAMPLES_PER_SECOND = 24_000;

/** Samples as Gemini speaks them. */
export function spoken(
  samples: Uint8Array,
  mimeType = `audio/L16;codec=pcm;rate=${SAMPLES_PER_SECOND}`,
): GeminiReply {
  const parts = [{ inlineData: { mimeType, data: samples.toBase64() } }];
  return {
    kind: "json",
    body: {
      candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 50 },
    },
  };
}

/** Starts a server on a free port of this machine. */
export async function startGeminiServer(): Promise<GeminiServer> {
  let listener = (_: Uint8Array) => "[00:00] Nobody has told what there is to hear.";
  let listenerGate = () => Promise.resolve();
  const server = await startModelServer<GeminiReply>({
    read(request, body) {
      const embedder = /^\/v1beta\/models\/([^/:]+):batchEmbedContents$/.exec(request.url ?? "")
        ?.[1];
      if (embedder !== undefined) {
        const { requests } = body as GeminiBatch;
        // Google refuses a batch whose requests name another model than its address.
        if (requests.some(({ model }) => model !== `models/${embedder}`)) return undefined;
        return {
          model: embedder,
          apiKey: request.headers["x-goog-api-key"]?.toString(),
          system: "",
          user: "",
          texts: requests.map(({ content }) => textOf(content)),
          task: requests[0]?.taskType,
          dimensions: requests[0]?.outputDimensionality,
        };
      }
      const [, model, way] =
        /^\/v1beta\/models\/([^/:]+):(streamGenerateContent\?alt=sse|generateContent)$/
          .exec(request.url ?? "") ?? [];
      if (model === undefined) return undefined;
      const { systemInstruction, contents, generationConfig } = body as GeminiBody;
      // Sound is not streamed, and what is not streamed is sound.
      const isSound = generationConfig?.responseModalities?.join() === "AUDIO";
      if (isSound !== (way === "generateContent")) return undefined;
      const turn = contents.at(-1);
      const recording = turn?.parts.find((part) => part.inlineData !== undefined)?.inlineData;
      return {
        model,
        apiKey: request.headers["x-goog-api-key"]?.toString(),
        system: textOf(systemInstruction),
        user: textOf(turn),
        ...(isSound && {
          voice: generationConfig?.speechConfig?.voiceConfig.prebuiltVoiceConfig.voiceName ?? "",
        }),
        ...(recording && {
          audio: {
            mimeType: recording.mimeType,
            bytes: Uint8Array.fromBase64(recording.data),
          },
        }),
      };
    },
    send,
    vectors: (vectors) => ({ embeddings: vectors.map((values) => ({ values })) }),
    unscripted: ({ user, audio, voice }) =>
      voice === undefined
        ? {
          kind: "answer",
          chunks: [audio === undefined ? quoteFrom(user) : listener(audio.bytes)],
          ...(audio && { gate: listenerGate() }),
        }
        : spoken(new Uint8Array(SAMPLES_PER_SECOND * 2)),
  });
  return {
    ...server,
    hear(listening, gate = () => Promise.resolve()) {
      [listener, listenerGate] = [listening, gate];
    },
  };
}

interface GeminiContent {
  parts: readonly { text?: string; inlineData?: { mimeType: string; data: string } }[];
}

interface GeminiBatch {
  requests: readonly {
    model: string;
    content: GeminiContent;
    taskType?: string;
    outputDimensionality?: number;
  }[];
}

interface GeminiBody {
  generationConfig?: {
    responseModalities?: readonly string[];
    speechConfig?: { voiceConfig: { prebuiltVoiceConfig: { voiceName: string } } };
  };
  systemInstruction?: GeminiContent;
  contents: readonly GeminiContent[];
}

async function send(response: ServerResponse, reply: GeminiReply): Promise<void> {
  if (reply.kind === "hang") return;
  if (reply.kind === "error") return sendError(response, reply);
  if (reply.kind === "json" || reply.kind === "speech") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(reply.kind === "json" ? JSON.stringify(reply.body) : reply.bytes);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (data: unknown) => response.write(eventOf(data));
  switch (reply.kind) {
    case "answer": {
      const { chunks: [first = "", ...rest], finishReason = "STOP", pieceBytes } = reply;
      await writeEvents(response, [eventOf({ candidates: [candidate(first)] })], pieceBytes);
      await reply.gate;
      const end = {
        candidates: [{ ...candidate(""), finishReason }],
        usageMetadata: { promptTokenCount: 120, candidatesTokenCount: 30, thoughtsTokenCount: 5 },
      };
      const events = [...rest.map((chunk) => ({ candidates: [candidate(chunk)] })), end];
      await writeEvents(response, events.map(eventOf), pieceBytes);
      break;
    }
    case "stopped":
      write({ candidates: [{ finishReason: reply.finishReason }] });
      break;
    case "blocked":
      write({ promptFeedback: { blockReason: reply.blockReason } });
      break;
    case "errorInStream":
      write({ candidates: [candidate("The rent")] });
      write({ error: { code: reply.status, message: reply.message } });
      break;
    case "raw":
      response.write(reply.body);
      break;
    case "reset":
      write({ candidates: [candidate("The rent")] });
      await reply.gate;
      response.destroy();
      return;
  }
  response.end();
}

function eventOf(data: unknown): string {
  return `data: ${JSON.stringify(data)}\r\n\r\n`;
}

function candidate(text: string): { content: unknown } {
  return { content: { role: "model", parts: [{ text }] } };
}

function textOf(content: GeminiContent | undefined): string {
  return (content?.parts ?? []).map((part) => part.text ?? "").join("");
}

function sendError(
  response: ServerResponse,
  { status, message, details = [] }: Omit<Extract<GeminiReply, { kind: "error" }>, "kind">,
): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { code: status, message, details } }));
}

function tooMany(quotaId: string, seconds: number): GeminiReply {
  const type = "type.googleapis.com/google.rpc.";
  return {
    kind: "error",
    status: 429,
    message: "You exceeded your current quota, please check your plan and billing details.",
    details: [
      { "@type": `${type}QuotaFailure`, violations: [{ quotaId }] },
      { "@type": `${type}RetryInfo`, retryDelay: `${seconds}s` },
    ],
  };
}
