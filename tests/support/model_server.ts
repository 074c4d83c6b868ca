/**
 * What the stand-ins for language models have in common: real HTTP on this
 * machine, replies that a test scripts, and a journal of what was asked and
 * whether the client went away. On `node:http`, since that can break a
 * connection and notices at once when the client does.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { embedText } from "./embedding.ts";

/** One call as the server saw it. */
export interface ModelCall {
  model: string;
  apiKey: string | undefined;
  system: string;
  /** Text of the last user turn. */
  user: string;
  /** The recording that came with it. */
  audio?: { mimeType: string; bytes: Uint8Array };
  /** Set: the text of `user` is to be spoken. */
  voice?: string;
  /** The format that it is to be spoken in, where the protocol knows some. */
  format?: string;
  /** Texts to embed: it is a call of the embedding model. */
  texts?: readonly string[];
  /** What for, as the vendor names it. */
  task?: string | undefined;
  /** As many as the vectors are to have; nothing where the call does not say. */
  dimensions?: number | undefined;
  /** Resolves to `performance.now()` when the client goes away before the reply is complete. */
  aborted: Promise<number>;
}

/** How one call goes, whatever the vendor. A `gate` holds the reply back, after its first chunk, until it resolves. */
export type ModelReply =
  | {
    kind: "answer";
    chunks: readonly string[];
    gate?: Promise<void>;
    finishReason?: string;
    /** The stream comes in pieces of so many bytes, whatever they cut apart. */
    pieceBytes?: number;
  }
  | { kind: "error"; status: number; message: string }
  /** An error among the events, after the first chunk of an answer. */
  | { kind: "errorInStream"; status: number; message: string }
  /** These bytes as the whole stream. */
  | { kind: "raw"; body: string }
  /** A sound as the whole reply. */
  | { kind: "speech"; bytes: Uint8Array }
  /** The connection breaks after the first chunk. */
  | { kind: "reset"; gate: Promise<void> }
  /** No byte ever comes. */
  | { kind: "hang" };

/** The calls of one kind of model. */
export interface Journal<Reply> {
  /** Calls so far, oldest first. */
  calls: readonly ModelCall[];
  /** Scripts the next call that no other reply is waiting for. */
  next(reply: Reply): void;
  /** Resolves with the next call that arrives. */
  called(): Promise<ModelCall>;
}

/** The model that answers, and apart from it the one that embeds. */
export interface ModelServer<Reply> extends Journal<Reply>, AsyncDisposable {
  /** Without a path, and without a slash at its end. */
  url: string;
  /** Unscripted, it gives the vectors of `embedding.ts`. */
  embedding: Journal<Reply>;
}

/** How a vendor speaks. */
export interface Dialect<Reply> {
  /** What a request asks for; nothing for a route that the vendor does not have. */
  read(request: IncomingMessage, body: unknown): Omit<ModelCall, "aborted"> | undefined;
  send(response: ServerResponse, reply: Reply): Promise<void> | void;
  /** How vectors are answered. */
  vectors(vectors: readonly number[][]): unknown;
  /** The answer to a call that no reply waits for. */
  unscripted(call: ModelCall): Reply;
}

/** Starts a server on a free port of this machine. */
export async function startModelServer<Reply>(
  { read, send, vectors, unscripted }: Dialect<Reply>,
): Promise<ModelServer<Reply>> {
  const answers = createJournal<Reply>();
  const embedding = createJournal<Reply>();
  const server = createServer(async (request, response) => {
    const aborted = Promise.withResolvers<number>();
    response.on("close", () => {
      if (!response.writableFinished) aborted.resolve(performance.now());
    });
    // A client may go away before it has asked.
    const body = await json(request).catch(() => undefined);
    if (body === undefined) return;
    const asked = read(request, body);
    if (asked === undefined) {
      response.writeHead(404).end();
      return;
    }
    const call = { ...asked, aborted: aborted.promise };
    const { texts, dimensions } = call;
    const reply = (texts === undefined ? answers : embedding).take(call);
    if (reply !== undefined || texts === undefined) {
      return send(response, reply ?? unscripted(call));
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(vectors(texts.map((text) => embedText(text, dimensions)))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    ...answers,
    embedding,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function createJournal<Reply>() {
  const replies: Reply[] = [];
  const calls: ModelCall[] = [];
  let arrival = Promise.withResolvers<ModelCall>();
  return {
    calls,
    next: (reply: Reply) => void replies.push(reply),
    called: () => arrival.promise,
    /** Notes a call, and gives the reply that was scripted for it. */
    take(call: ModelCall): Reply | undefined {
      calls.push(call);
      arrival.resolve(call);
      arrival = Promise.withResolvers();
      return replies.shift();
    },
  };
}

/** Streams events, in pieces of `pieceBytes` if given; the client gets one after the other. */
export async function writeEvents(
  response: ServerResponse,
  events: readonly string[],
  pieceBytes: number | undefined,
): Promise<void> {
  if (pieceBytes === undefined) {
    for (const event of events) response.write(event);
    return;
  }
  const bytes = new TextEncoder().encode(events.join(""));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await new Promise<void>((resolve) =>
      response.write(bytes.subarray(at, at + pieceBytes), () => setImmediate(resolve))
    );
  }
}

/** The first sentence of the first passage with its label, as a model would cite it. */
export function quoteFrom(prompt: string): string {
  const [, label = "", text = ""] =
    /<passage label="(\[[^\]]+\])"[^>]*>\n(.*?)\n<\/passage>/s.exec(prompt) ?? [];
  if (label === "") return "This is not in the document.";
  const [sentence = text] = /^.*?[.!?](?=\s|$)/s.exec(text) ?? [];
  return `${sentence.replace(/\s+/g, " ").trim()} ${label}`;
}
