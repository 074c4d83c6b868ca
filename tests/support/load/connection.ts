/**
 * A connection that stays open, as Telegram keeps its own: one request after the
 * other, written and read by hand, so that who asks costs little beside who answers.
 */

export interface Connection extends Disposable {
  /** Posts a JSON text. */
  post(path: string, json: string, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  status: number;
  /** Seconds after which to ask again, if the server has said so. */
  retryAfter: number | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEAD_END = "\r\n\r\n";

/** @param host with its port */
export async function openConnection(host: string): Promise<Connection> {
  const [hostname = "", port = ""] = host.split(":");
  const socket = await Deno.connect({ hostname, port: Number(port) });
  socket.setNoDelay();
  const buffer = new Uint8Array(16 * 1024);

  async function answer(): Promise<Answer> {
    let text = "";
    while (true) {
      const size = await socket.read(buffer);
      if (size === null) throw new Error("Cannot read an answer as the connection was closed");
      text += decoder.decode(buffer.subarray(0, size));
      const head = text.indexOf(HEAD_END);
      if (head < 0) continue;
      const header = (name: string) =>
        new RegExp(`\r\n${name}: *(\\d+)`, "i").exec(text.slice(0, head))?.[1];
      const length = Number(header("content-length") ?? 0);
      if (text.length < head + HEAD_END.length + length) continue;
      const retryAfter = header("retry-after");
      return {
        status: Number(text.slice(9, 12)),
        retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      };
    }
  }

  return {
    async post(path, json, headers = {}) {
      const body = encoder.encode(json);
      const lines = Object.entries({
        host,
        "content-type": "application/json",
        "content-length": String(body.length),
        ...headers,
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      const head = encoder.encode(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
      const request = new Uint8Array(head.length + body.length);
      request.set(head);
      request.set(body, head.length);
      for (let sent = 0; sent < request.length;) sent += await socket.write(request.subarray(sent));
      return await answer();
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
