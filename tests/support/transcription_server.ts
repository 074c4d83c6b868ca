/**
 * A server of OpenAI's transcriptions for tests: real HTTP on this machine. A
 * test says how each call goes and reads what was sent. On `node:http`, which
 * notices at once when a client goes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

/** What a call is answered with; `hang` never is. */
export type TranscriptionReply =
  | { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }
  | "hang";

export interface TranscriptionCall {
  path: string;
  authorization: string | undefined;
  form: FormData;
  file: { name: string; type: string; bytes: Uint8Array };
  /** Resolves to `performance.now()` when the client goes away before it has its reply. */
  aborted: Promise<number>;
}

export async function startTranscriptionServer(
  respond: (call: TranscriptionCall) => TranscriptionReply,
) {
  const calls: TranscriptionCall[] = [];
  let arrival = Promise.withResolvers<TranscriptionCall>();
  const server = createServer(async (request, response) => {
    const aborted = Promise.withResolvers<number>();
    response.on("close", () => {
      if (!response.writableFinished) aborted.resolve(performance.now());
    });
    const body = new Uint8Array(await buffer(request));
    const form = await new Response(body, {
      headers: { "content-type": request.headers["content-type"] ?? "" },
    }).formData();
    const file = form.get("file");
    if (!(file instanceof File)) throw new Error("The call has no file");
    const { name, type } = file;
    const call = {
      path: request.url ?? "",
      authorization: request.headers.authorization,
      form,
      file: { name, type, bytes: new Uint8Array(await file.arrayBuffer()) },
      aborted: aborted.promise,
    };
    calls.push(call);
    arrival.resolve(call);
    arrival = Promise.withResolvers();
    const reply = respond(call);
    if (reply === "hang") return;
    const { status = 200, json, text = JSON.stringify(json), headers = {} } = reply;
    const type_ = json === undefined ? "text/plain" : "application/json";
    response.writeHead(status, { "content-type": type_, ...headers }).end(text);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    calls,
    called: () => arrival.promise,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
