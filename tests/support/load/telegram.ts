/**
 * A Telegram for load: delivers updates by webhook over connections that stay
 * open, and takes the replies in. Both on one clock, and nothing kept but times.
 */
import { type Connection, openConnection } from "./connection.ts";

export const TOKEN = "4242:load";
export const SECRET = "secret-of-the-load";
/** What was not taken is delivered again after as long as was asked for, or this. */
const RETRY_S = 1;
const FIRST_CHAT = 1_000;
/** The one in which single texts are said. */
const OWN_CHAT = 1;
const HEADERS = { "X-Telegram-Bot-Api-Secret-Token": SECRET };

export interface Flood {
  /** Where each connection goes, with its port; taken in turn. */
  hosts: readonly string[];
  connections: number;
  chats: number;
  updates: number;
  /** Updates a second over all chats; absent: as fast as they are taken. */
  perSecond?: number;
  /** What is said, by the update's number. @default the number */
  text?: (update: number) => string;
}

export interface Flooded {
  /** From the first delivery to the last reply. */
  ms: number;
  /** Deliveries that were answered by anything but 200, and were made again. */
  refused: number;
  /** Those of them that came without a word on when to try again. */
  unasked: number;
  /** The longest that a delivery waited for its answer, in milliseconds. */
  slowest: number;
  /** From each delivery to its reply, in milliseconds. */
  latencies: number[];
}

export interface LoadTelegram extends AsyncDisposable {
  /** Base URL of the Bot API. */
  readonly url: string;
  /** Delivers updates, and resolves when the last one is answered. */
  flood(flood: Flood): Promise<Flooded>;
  /** Sends one text in a chat of its own; gives the text of the reply. */
  say(host: string, text: string): Promise<string>;
}

export function startLoadTelegram(): LoadTelegram {
  let nextUpdate = 1;
  let onReply: (text: string, chat: number) => void = () => {};
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const method = request.url.slice(request.url.lastIndexOf("/") + 1);
      const { text = "", chat_id = 0 } = request.method === "POST" ? await request.json() : {};
      if (method === "sendMessage") onReply(text, Number(chat_id));
      return Response.json({ ok: true, result: resultOf(method) });
    },
  );

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async say(host, text) {
      const { promise, resolve } = Promise.withResolvers<string>();
      onReply = resolve;
      using connection = await openConnection(host);
      await connection.post("/telegram", updateOf(nextUpdate++, OWN_CHAT, text), HEADERS);
      return await promise;
    },
    async flood({ hosts, connections, chats, updates, perSecond, text = String }) {
      const all = await Promise.all(
        Array.from(
          { length: connections },
          (_, n) => openConnection(hosts[n % hosts.length] ?? ""),
        ),
      );
      /** When what is not answered yet was sent, oldest first, by chat. */
      const sentAt = new Map<number, number[]>();
      const latencies: number[] = [];
      const { promise: answered, resolve } = Promise.withResolvers<void>();
      let refused = 0;
      let unasked = 0;
      let slowest = 0;
      let due = 0;
      onReply = (_, chat) => {
        const at = sentAt.get(chat)?.shift();
        if (at === undefined) return;
        if (latencies.push(performance.now() - at) === updates) resolve();
      };
      const begun = performance.now();
      const deliver = async (connection: Connection) => {
        while (due < updates) {
          const n = due++;
          const update = nextUpdate++;
          if (perSecond !== undefined) {
            await sleep(begun + n / perSecond * 1_000 - performance.now());
          }
          const chat = FIRST_CHAT + n % chats;
          const body = updateOf(update, chat, text(update));
          const waiting = sentAt.get(chat) ?? [];
          waiting.push(performance.now());
          sentAt.set(chat, waiting);
          while (true) {
            const posted = performance.now();
            const { status, retryAfter } = await connection.post("/telegram", body, HEADERS);
            slowest = Math.max(slowest, performance.now() - posted);
            if (status === 200) break;
            refused++;
            if (retryAfter === undefined) unasked++;
            await sleep((retryAfter ?? RETRY_S) * 1_000);
          }
        }
      };
      try {
        await Promise.all(all.map(deliver));
        await answered;
      } finally {
        for (const each of all) each[Symbol.dispose]();
      }
      return { ms: performance.now() - begun, refused, unasked, slowest, latencies };
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function resultOf(method: string): unknown {
  if (method === "getMe") {
    return { id: 4242, is_bot: true, first_name: "Load", username: "load_bot" };
  }
  if (method !== "sendMessage") return true;
  return { message_id: 1, date: 1, chat: { id: 1, type: "private", first_name: "Ada" }, text: "1" };
}

function updateOf(update_id: number, chat: number, text: string): string {
  return JSON.stringify({
    update_id,
    message: {
      message_id: update_id,
      date: Math.floor(Date.now() / 1_000),
      chat: { id: chat, type: "private", first_name: "Ada" },
      from: { id: chat, is_bot: false, first_name: "Ada", language_code: "en" },
      text,
    },
  });
}

function sleep(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
