/**
 * A Bot API server of our own, for the demo and the tests: it speaks Telegram's
 * HTTP, keeps its rules and limits, and can be told to fail like it.
 */
import { Hono } from "hono";
import type { Language } from "../texts/texts.ts";
import { type Call, callMethod, TelegramFault } from "./bot_api_methods.ts";
import { ChatStore, type DemoUser } from "./chats.ts";
import { Faults } from "./faults.ts";
import { addPage } from "./page.ts";
import type { SampleFile } from "./sample.ts";
import { UpdateFeed } from "./update_feed.ts";

export interface BotApiServerOptions {
  token: string;
  /** @default any free port */
  port?: number;
  /** The document that the page offers. */
  sample?: (language: Language) => Promise<SampleFile>;
}

export interface BotApiServer {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  /** Every call of the bot, in order. */
  readonly calls: readonly Call[];
  /** Resolves with the next call that `predicate` wants, once it is made. */
  called(predicate: (call: Call) => boolean): Promise<Call>;
  readonly faults: Faults;
  /** A person with a private chat with the bot. */
  user(person: { id: number; firstName: string; languageCode: string }): DemoUser;
  /** Delivers an update as it is, also one that was delivered before. */
  deliver(update: { update_id: number; [kind: string]: unknown }): void;
  close(): Promise<void>;
}

export function startBotApiServer(
  { token, port = 0, sample }: BotApiServerOptions,
): Promise<BotApiServer> {
  const feed = new UpdateFeed();
  const chats = new ChatStore(Number(token.split(":")[0]), feed);
  const faults = new Faults();
  const calls: Call[] = [];
  const watchers = new Set<(call: Call) => void>();
  const app = new Hono();

  // A token is no path parameter of its own: `/bot<token>/<method>`.
  app.all("/*", async (c, next) => {
    if (!c.req.path.startsWith("/bot")) return await next();
    const path = decodeURIComponent(c.req.path.slice("/bot".length));
    const method = path.slice(path.lastIndexOf("/") + 1);
    const begun = performance.now();
    const payload = await payloadOf(c.req.raw);
    const call: Call = { method, payload, at: begun, status: 200 };
    calls.push(call);
    for (const watcher of [...watchers]) watcher(call);
    try {
      if (path !== `${token}/${method}`) throw new TelegramFault(401, "Unauthorized");
      await faults.before(method, c.req.raw.signal);
      const result = await callMethod({ chats, feed }, method, payload, c.req.raw.signal);
      await faults.after(method, c.req.raw.signal);
      return c.json({ ok: true, result });
    } catch (error) {
      if (!(error instanceof TelegramFault)) throw error;
      call.status = error.code;
      return c.json(error.body(), error.code as 400);
    }
  });
  app.get("/file/*", (c) => {
    const prefix = `/file/bot${token}/`;
    const bytes = c.req.path.startsWith(prefix)
      ? chats.file(decodeURIComponent(c.req.path.slice(prefix.length)))
      : undefined;
    return bytes === undefined ? c.notFound() : c.body(bytes.slice().buffer);
  });
  if (sample !== undefined) addPage(app, chats, sample);

  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => app.fetch(request),
  );
  return Promise.resolve({
    url: `http://127.0.0.1:${server.addr.port}`,
    calls,
    called(predicate) {
      const { promise, resolve } = Promise.withResolvers<Call>();
      const watcher = (call: Call) => {
        if (!predicate(call)) return;
        watchers.delete(watcher);
        resolve(call);
      };
      watchers.add(watcher);
      return promise;
    },
    faults,
    user: (person) => chats.user(person),
    deliver: (update) => feed.push(update),
    async close() {
      feed.close();
      faults.close();
      chats.close();
      await server.shutdown();
    },
  });
}

/** The parameters of a call, however they were sent; nested ones are parsed. */
async function payloadOf(request: Request): Promise<Record<string, unknown>> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const type = request.headers.get("content-type") ?? "";
  if (type.includes("json")) return { ...query, ...await request.json() };
  if (!type.includes("form")) return query;
  const form = await request.formData();
  const entries = [...form.entries()].map(([key, value]) => {
    if (typeof value !== "string") return [key, value];
    // A file comes as a part of its own, and the parameter names that part.
    if (value.startsWith("attach://")) return [key, form.get(value.slice("attach://".length))];
    if (!/^[[{]/.test(value)) return [key, value];
    try {
      return [key, JSON.parse(value)];
    } catch {
      return [key, value];
    }
  });
  return { ...query, ...Object.fromEntries(entries) };
}
