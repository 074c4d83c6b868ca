/** Calls to Telegram over connections that break: what is sent is sent once. */
import assert from "node:assert/strict";
import { HttpError } from "grammy";
import { createTelegramApi } from "../lib/telegram/api.ts";

const ANSWER = JSON.stringify({ ok: true, result: { message_id: 1, date: 0, chat: { id: 5 } } });

Deno.test("a message whose connection breaks before the answer is not sent again unasked", async () => {
  await using server = startBreaking();
  const api = createTelegramApi({ token: "4242:x", root: server.url });
  await api.sendMessage(5, "first");
  await assert.rejects(api.sendMessage(5, "second"), HttpError);
  assert.deepEqual(server.received, ["first", "second"]);
});

Deno.test("a call that does no harm twice is made again", async () => {
  await using server = startBreaking();
  const api = createTelegramApi({ token: "4242:x", root: server.url });
  await api.editMessageText(5, 1, "first");
  await api.editMessageText(5, 1, "second");
  assert.deepEqual(server.received, ["first", "second", "second"]);
});

/** Answers the first call of each connection, and breaks it off at the second once that has arrived. */
function startBreaking(): AsyncDisposable & { url: string; received: string[] } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const received: string[] = [];

  async function serve(connection: Deno.Conn): Promise<void> {
    using open = connection;
    let text = "";
    let calls = 0;
    for await (const chunk of open.readable.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const body = /\r\n\r\n(\{.*\})$/s.exec(text)?.[1];
      if (body === undefined) continue;
      received.push(JSON.parse(body).text);
      text = "";
      if (++calls > 1) return;
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${ANSWER.length}\r\n\r\n`;
      await open.write(new TextEncoder().encode(head + ANSWER));
    }
  }

  const connections: Deno.Conn[] = [];
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      // One that is closed at the end is being read then.
      served.push(serve(connection).catch(() => {}));
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    received,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting.catch(() => {});
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // It was broken off.
        }
      }
      await Promise.all(served);
    },
  };
}
