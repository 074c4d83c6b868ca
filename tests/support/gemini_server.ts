/**
 * A Gemini server for tests: real HTTP on this machine, with Google's routes,
 * events and errors. A test scripts the replies and reads in the journal what
 * was asked and whether the client went away; unscripted calls get an answer
 * made from the prompt.
 */

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
  | { kind: "reset" }
  /** No byte ever comes. */
  | { kind: "hang" };

export interface GeminiErrorDetail {
  "@type": string;
  [field: string]: unknown;
}

/** One call as the server saw it. */
export interface GeminiCall {
  model: string;
  apiKey: string | null;
  system: string;
  /** Text of the last user turn. */
  user: string;
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
export function startGeminiServer(): GeminiServer {
  const replies: GeminiReply[] = [];
  const calls: GeminiCall[] = [];
  const closing = new AbortController();
  let arrival = Promise.withResolvers<GeminiCall>();

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const model = /^\/v1beta\/models\/([^/:]+):streamGenerateContent$/
        .exec(new URL(request.url).pathname)?.[1];
      if (model === undefined) return toError({ status: 404, message: "Not found." });
      const aborted = Promise.withResolvers<number>();
      const body = await request.json();
      const call: GeminiCall = {
        model,
        apiKey: request.headers.get("x-goog-api-key"),
        system: textOf(body.systemInstruction),
        user: textOf(body.contents.at(-1)),
        aborted: aborted.promise,
      };
      calls.push(call);
      arrival.resolve(call);
      arrival = Promise.withResolvers();
      const reply = replies.shift() ?? { kind: "answer", chunks: [quoteFrom(call.user)] };
      const onAbort = () => aborted.resolve(performance.now());
      if (reply.kind === "hang") {
        request.signal.addEventListener("abort", onAbort);
        await ended(AbortSignal.any([request.signal, closing.signal]));
        return new Response();
      }
      return respond(reply, closing.signal, onAbort);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    calls,
    next: (reply) => void replies.push(reply),
    called: () => arrival.promise,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.shutdown();
    },
  };
}

function respond(
  reply: Exclude<GeminiReply, { kind: "hang" }>,
  closing: AbortSignal,
  onAbort: () => void,
): Response {
  if (reply.kind === "error") return toError(reply);
  const headers = new Headers({ "content-type": "text/event-stream" });
  // Fewer bytes than promised: to the client that is a connection that broke.
  if (reply.kind === "reset") headers.set("content-length", "100000");
  const gone = new AbortController();
  const stream = ReadableStream.from(events(reply, AbortSignal.any([closing, gone.signal])))
    .pipeThrough(new TextEncoderStream());
  const reader = stream.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      done ? controller.close() : controller.enqueue(value);
    },
    cancel() {
      onAbort();
      gone.abort();
      return reader.cancel();
    },
  });
  return new Response(body, { headers });
}

async function* events(
  reply: Exclude<GeminiReply, { kind: "error" | "hang" }>,
  end: AbortSignal,
): AsyncGenerator<string> {
  switch (reply.kind) {
    case "answer": {
      const [first = "", ...rest] = reply.chunks;
      yield event({ candidates: [candidate(first)] });
      await Promise.race([reply.gate, ended(end)]);
      for (const chunk of rest) yield event({ candidates: [candidate(chunk)] });
      yield event({
        candidates: [{ ...candidate(""), finishReason: reply.finishReason ?? "STOP" }],
        usageMetadata: { promptTokenCount: 120, candidatesTokenCount: 30, thoughtsTokenCount: 5 },
      });
      return;
    }
    case "stopped":
      yield event({ candidates: [{ finishReason: reply.finishReason }] });
      return;
    case "blocked":
      yield event({ promptFeedback: { blockReason: reply.blockReason } });
      return;
    case "errorInStream":
      yield event({ candidates: [candidate("The rent")] });
      yield event({ error: { code: reply.status, message: reply.message } });
      return;
    case "raw":
      yield reply.body;
      return;
    case "reset":
      yield event({ candidates: [candidate("The rent")] });
  }
}

function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\r\n\r\n`;
}

function candidate(text: string): { content: unknown } {
  return { content: { role: "model", parts: [{ text }] } };
}

function textOf(content: { parts: readonly { text: string }[] }): string {
  return content.parts.map((part) => part.text).join("");
}

function toError(
  { status, message, details = [] }: {
    status: number;
    message: string;
    details?: readonly GeminiErrorDetail[];
  },
): Response {
  return Response.json({ error: { code: status, message, details } }, { status });
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
