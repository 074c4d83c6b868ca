/**
 * A Gemini server for tests: real HTTP on this machine, with Google's routes,
 * events and errors. A test scripts the replies and reads in the journal what
 * was asked and whether the client went away; unscripted calls get an answer
 * made from the prompt. On `node:http`, since that can break a connection and
 * notices at once when the client does.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** How one call goes. A `gate` holds the reply back, after its first chunk, until it resolves. */
export type GeminiReply =
  | { kind: "answer"; chunks: readonly string[]; gate?: Promise<void>; finishReason?: string }
  /** The answer ends with a finish reason that says why there is no more of it. */
  | { kind: "stopped"; finishReason: string }
  /** The prompt itself is refused. */
  | { kind: "blocked"; blockReason: string }
  | { kind: "error"; status: number; message: string; details?: readonly GeminiErrorDetail[] }
  /** An error among the events, after the first chunk of an answer. */
  | { kind: "errorInStream"; status: number; message: string }
  /** These bytes as the whole stream. */
  | { kind: "raw"; body: string }
  /** The connection breaks after the first chunk. */
  | { kind: "reset"; gate: Promise<void> }
  /** No byte ever comes. */
  | { kind: "hang" };

export interface GeminiErrorDetail {
  "@type": string;
  [field: string]: unknown;
}

/** One call as the server saw it. */
export interface GeminiCall {
  model: string;
  apiKey: string | string[] | undefined;
  system: string;
  /** Text of the last user turn. */
  user: string;
  /** The recording that came with it. */
  audio?: { mimeType: string; bytes: Uint8Array };
  /** Resolves to `performance.now()` when the client goes away before the reply is complete. */
  aborted: Promise<number>;
}

export interface GeminiServer extends AsyncDisposable {
  /** For `baseUrl`: no path, no slash at its end. */
  url: string;
  /** Calls so far, oldest first. */
  calls: readonly GeminiCall[];
  /** Scripts the next call that no other reply is waiting for. */
  next(reply: GeminiReply): void;
  /** What unscripted calls hear in a recording. */
  hear(listener: (recording: Uint8Array) => string): void;
  /** Resolves with the next call that arrives. */
  called(): Promise<GeminiCall>;
}

/** Google's 429 for a limit that passes by itself, `seconds` from now. */
export function rateLimited(seconds: number): GeminiReply {
  return tooMany("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", seconds);
}

/** Google's 429 for a day's quota: with a delay too, which must not be believed. */
export function quotaUsedUp(): GeminiReply {
  return tooMany("GenerateRequestsPerDayPerProjectPerModel-FreeTier", 12);
}

/** Starts a server on a free port of this machine. */
export async function startGeminiServer(): Promise<GeminiServer> {
  const replies: GeminiReply[] = [];
  const calls: GeminiCall[] = [];
  let listener = (_: Uint8Array) => "[00:00] Nobody has told what there is to hear.";
  let arrival = Promise.withResolvers<GeminiCall>();

  const server = createServer(async (request, response) => {
    const model = /^\/v1beta\/models\/([^/:]+):streamGenerateContent\?alt=sse$/
      .exec(request.url ?? "")?.[1];
    if (model === undefined) return sendError(response, { status: 404, message: "Not found." });
    const call = await toCall(model, request, response);
    const unscripted = () =>
      call.audio === undefined ? quoteFrom(call.user) : listener(call.audio.bytes);
    const reply = replies.shift() ?? { kind: "answer", chunks: [unscripted()] };
    calls.push(call);
    arrival.resolve(call);
    arrival = Promise.withResolvers();
    await send(response, reply);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    next: (reply) => void replies.push(reply),
    hear: (listening) => void (listener = listening),
    called: () => arrival.promise,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function toCall(
  model: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<GeminiCall> {
  const aborted = Promise.withResolvers<number>();
  response.on("close", () => {
    if (!response.writableFinished) aborted.resolve(performance.now());
  });
  const body = JSON.parse(await text(request));
  const turn: { parts: readonly Part[] } = body.contents.at(-1);
  const recording = turn.parts.find((part) => part.inlineData !== undefined)?.inlineData;
  return {
    model,
    apiKey: request.headers["x-goog-api-key"],
    system: textOf(body.systemInstruction),
    user: textOf(turn),
    ...(recording !== undefined && {
      audio: { mimeType: recording.mimeType, bytes: Uint8Array.fromBase64(recording.data) },
    }),
    aborted: aborted.promise,
  };
}

async function send(response: ServerResponse, reply: GeminiReply): Promise<void> {
  if (reply.kind === "hang") return;
  if (reply.kind === "error") return sendError(response, reply);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (data: unknown) => response.write(`data: ${JSON.stringify(data)}\r\n\r\n`);
  switch (reply.kind) {
    case "answer": {
      const [first = "", ...rest] = reply.chunks;
      write({ candidates: [candidate(first)] });
      await reply.gate;
      for (const chunk of rest) write({ candidates: [candidate(chunk)] });
      write({
        candidates: [{ ...candidate(""), finishReason: reply.finishReason ?? "STOP" }],
        usageMetadata: { promptTokenCount: 120, candidatesTokenCount: 30, thoughtsTokenCount: 5 },
      });
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

function candidate(text: string): { content: unknown } {
  return { content: { role: "model", parts: [{ text }] } };
}

interface Part {
  text?: string;
  inlineData?: { mimeType: string; data: string };
}

function textOf(content: { parts: readonly Part[] }): string {
  return content.parts.map((part) => part.text ?? "").join("");
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

/** The first sentence of the first passage with its label, as a model would cite it. */
function quoteFrom(prompt: string): string {
  const [, label = "", text = ""] =
    /<passage label="(\[[^\]]+\])"[^>]*>\n(.*?)\n<\/passage>/s.exec(prompt) ?? [];
  if (label === "") return "This is not in the document.";
  const [sentence = text] = /^.*?[.!?](?=\s|$)/s.exec(text) ?? [];
  return `${sentence.replace(/\s+/g, " ").trim()} ${label}`;
}
