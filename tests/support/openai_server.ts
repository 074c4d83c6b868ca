/** A server with OpenAI's chat completions and speech, for tests; see `model_server.ts`. */
import type { ServerResponse } from "node:http";
import {
  type ModelReply,
  type ModelServer,
  quoteFrom,
  startModelServer,
  writeEvents,
} from "./model_server.ts";
import { opus } from "./recordings.ts";

export type OpenAiReply =
  | Exclude<ModelReply, { kind: "error" }>
  | {
    kind: "error";
    status: number;
    message: string;
    code?: string;
    headers?: Record<string, string>;
  };

/** Its `url` with `/v1` is for `OPENAI_BASE_URL`. */
export type OpenAiServer = ModelServer<OpenAiReply>;

/** A limit that passes by itself, `seconds` from now. */
export function rateLimited(seconds: number): OpenAiReply {
  const headers = { "retry-after": String(seconds) };
  const code = "rate_limit_exceeded";
  return { kind: "error", status: 429, message: "Rate limit reached.", code, headers };
}

/** A quota that is used up: with a delay too, which must not be believed. */
export function quotaUsedUp(): OpenAiReply {
  const headers = { "retry-after": "12" };
  const message = "You exceeded your current quota, please check your plan and billing details.";
  return { kind: "error", status: 429, message, code: "insufficient_quota", headers };
}

/** Starts a server on a free port of this machine. */
export function startOpenAiServer(): Promise<OpenAiServer> {
  return startModelServer<OpenAiReply>({
    read({ url, headers }, body) {
      const apiKey = headers.authorization?.replace(/^Bearer /, "");
      if (url === "/v1/embeddings") {
        const { model, input } = body as { model: string; input: readonly string[] };
        return { model, apiKey, system: "", user: "", texts: input };
      }
      if (url === "/v1/audio/speech") {
        const { model, input: user, voice, response_format: format } = body as SpeechBody;
        return { model, apiKey, system: "", user, voice, format };
      }
      if (url !== "/v1/chat/completions") return undefined;
      const { model, messages, stream } = body as OpenAiBody;
      if (!stream) return undefined;
      const textOf = (role: string) => messages.findLast((each) => each.role === role)?.content;
      return {
        model,
        apiKey,
        system: textOf("system") ?? "",
        user: textOf("user") ?? "",
      };
    },
    send,
    // In another order than they were asked for: their index counts.
    vectors: (vectors) => ({
      object: "list",
      data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding }))
        .toReversed(),
      usage: { prompt_tokens: 7, total_tokens: 7 },
    }),
    unscripted: ({ user, voice }) =>
      voice === undefined
        ? { kind: "answer", chunks: [quoteFrom(user)] }
        : { kind: "speech", bytes: opus(2) },
  });
}

interface SpeechBody {
  model: string;
  input: string;
  voice: string;
  response_format: string;
}

interface OpenAiBody {
  model: string;
  stream: boolean;
  messages: readonly { role: string; content: string }[];
}

async function send(response: ServerResponse, reply: OpenAiReply): Promise<void> {
  if (reply.kind === "hang") return;
  if (reply.kind === "error") {
    const { status, message, code, headers } = reply;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, code, type: "error" } }));
    return;
  }
  if (reply.kind === "speech") {
    response.writeHead(200, { "content-type": "audio/ogg" }).end(reply.bytes);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  switch (reply.kind) {
    case "answer": {
      const { chunks: [first = "", ...rest], finishReason = "stop", pieceBytes } = reply;
      await writeEvents(response, [eventOf(chunkOf(first))], pieceBytes);
      await reply.gate;
      const events = [
        ...rest.map((chunk) => chunkOf(chunk)),
        chunkOf("", finishReason),
        { choices: [], usage: { prompt_tokens: 120, completion_tokens: 35 } },
      ];
      await writeEvents(response, [...events.map(eventOf), "data: [DONE]\n\n"], pieceBytes);
      break;
    }
    case "errorInStream":
      response.write(eventOf(chunkOf("The rent")));
      response.write(eventOf({ error: { message: reply.message, code: reply.status } }));
      break;
    case "raw":
      response.write(reply.body);
      break;
    case "reset":
      response.write(eventOf(chunkOf("The rent")));
      await reply.gate;
      response.destroy();
      return;
  }
  response.end();
}

function chunkOf(content: string, finish_reason: string | null = null) {
  const choices = [{ index: 0, delta: { content }, finish_reason }];
  return { id: "1", object: "chat.completion.chunk", choices };
}

function eventOf(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
