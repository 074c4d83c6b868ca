/** The chat page of the demo: static files, and the chat of one visitor for each language. */
import type { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { streamSSE } from "hono/streaming";
import { recordingFormat } from "../audio/recording.ts";
import type { Language } from "../texts/texts.ts";
import { menuOf } from "./bot_api_methods.ts";
import type { ChatEvent, ChatStore, DemoUser } from "./chats.ts";
import { SAMPLE_QUESTIONS, type SampleFile } from "./sample.ts";

const FILES: Readonly<Record<string, string>> = {
  "page.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "drop.js": "text/javascript; charset=utf-8",
  "messages.js": "text/javascript; charset=utf-8",
  "texts.js": "text/javascript; charset=utf-8",
  "markdown.js": "text/javascript; charset=utf-8",
};
const VISITORS: Readonly<Record<Language, number>> = { en: 7_000_001, ru: 7_000_002 };
/** A proxy or a browser may take a silent stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/** Serves the page at `/` and its chat under `/chat/<language>/`. */
export function addPage(
  app: Hono,
  chats: ChatStore,
  sample: (language: Language) => Promise<SampleFile>,
): void {
  const visitors = new Map<Language, DemoUser>();
  const visitor = (language: Language): DemoUser => {
    const known = visitors.get(language);
    if (known !== undefined) return known;
    const firstName = language === "ru" ? "Гость" : "Visitor";
    const user = chats.user({ id: VISITORS[language], firstName, languageCode: language });
    visitors.set(language, user);
    return user;
  };

  app.use(secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["data:"],
      mediaSrc: ["'self'"],
      frameAncestors: ["'none'"],
    },
    strictTransportSecurity: false,
  }));
  app.get("/", (c) => c.redirect("/page.html"));
  for (const [name, type] of Object.entries(FILES)) {
    const url = new URL(`./page/${name}`, import.meta.url);
    app.get(
      `/${name}`,
      async (c) => c.body(await Deno.readTextFile(url), 200, { "Content-Type": type }),
    );
  }

  const chat = app.basePath("/chat/:language{en|ru}");
  const languageOf = (value: string): Language => value === "ru" ? "ru" : "en";
  chat.get("/menu", (c) => c.json(menuOf(chats, languageOf(c.req.param("language")))));
  chat.post("/text", async (c) => {
    const { text } = await c.req.json<{ text: string }>();
    return c.json(visitor(languageOf(c.req.param("language"))).sendText(String(text)));
  });
  chat.post("/press", async (c) => {
    const { id, data } = await c.req.json<{ id: number; data: string }>();
    return c.json(visitor(languageOf(c.req.param("language"))).press(Number(id), String(data)));
  });
  chat.post("/stop", async (c) => {
    const { draft } = await c.req.json<{ draft: number }>();
    return c.json(visitor(languageOf(c.req.param("language"))).stop(Number(draft)));
  });
  chat.post("/file", async (c) => {
    const file = (await c.req.formData()).get("file");
    if (!(file instanceof File)) return c.json({ error: "no file" }, 400);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const user = visitor(languageOf(c.req.param("language")));
    return c.json(user.sendFile({ name: file.name, bytes, mimeType: file.type }));
  });
  chat.get("/sound/:id", (c) => {
    const { messages } = visitor(languageOf(c.req.param("language")));
    const { sound = "" } = messages().find(({ id }) => String(id) === c.req.param("id")) ?? {};
    const bytes = chats.file(sound);
    if (bytes === undefined) return c.notFound();
    const type = recordingFormat(bytes)?.mimeType ?? "application/octet-stream";
    return c.body(bytes.slice().buffer, 200, { "Content-Type": type });
  });
  chat.get("/sample", async (c) => {
    const language = languageOf(c.req.param("language"));
    const questions = SAMPLE_QUESTIONS[language].map(({ question }) => question);
    return c.json({ name: (await sample(language)).name, questions });
  });
  chat.post("/sample", async (c) => {
    const language = languageOf(c.req.param("language"));
    return c.json(visitor(language).sendFile(await sample(language)));
  });
  chat.get("/events", (c) => {
    const user = visitor(languageOf(c.req.param("language")));
    return streamSSE(c, async (stream) => {
      const ended = Promise.withResolvers<void>();
      const send = (event: ChatEvent | { type: "all"; messages: unknown }) =>
        stream.writeSSE({ data: JSON.stringify(event) });
      const watcher = (event: ChatEvent) => void send(event);
      const heartbeat = setInterval(() => stream.write(": still here\n\n"), HEARTBEAT_MS);
      stream.onAbort(() => ended.resolve());
      const unwatch = chats.watch(user.id, watcher, () => ended.resolve());
      try {
        await send({ type: "all", messages: user.messages() });
        await ended.promise;
      } finally {
        clearInterval(heartbeat);
        unwatch();
      }
    });
  });
}
