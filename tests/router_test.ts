/** The router when a handler fails or takes too long: its user is told, its chat goes on. */
import assert from "node:assert/strict";
import type { UserFromGetMe } from "grammy/types";
import { readConfig } from "../lib/config.ts";
import { settingsOf } from "../lib/plugins.ts";
import { createTelegramApi } from "../lib/telegram/api.ts";
import type { ContextPorts } from "../lib/telegram/context.ts";
import { createReplies } from "../lib/telegram/replies.ts";
import { createRouter } from "../lib/telegram/router.ts";
import { createSounds } from "../lib/telegram/sounds.ts";
import { loadTexts } from "../lib/texts/texts.ts";
import sentence from "../plugins/errors/sentence.ts";
import { definePlugin } from "../plugins/plugin.ts";
import { startServer, TOKEN } from "./support/bot_api.ts";

const HANDLER_MS = 50;

const handlers = definePlugin({
  name: "handlers",
  texts: [
    { claims: (text) => text === "hang", run: () => new Promise(() => {}) },
    { claims: (text) => text === "throw", run: () => Promise.reject(new Error("internal detail")) },
    { claims: (text) => text === "answer", run: ({ reply }) => reply("answered").then(() => {}) },
  ],
});

function unused(): never {
  throw new Error("Cannot be: no handler here asks for it");
}

Deno.test("a handler that hangs or throws has its user told in a sentence, and the next one answers", async () => {
  await using bot = await startServer();
  const api = createTelegramApi({ token: TOKEN, root: bot.server.url });
  const botInfo: UserFromGetMe = { ...await api.getMe() };
  const counted: string[] = [];
  const ports: ContextPorts = {
    api,
    replies: createReplies(api),
    sounds: createSounds(api),
    texts: await loadTexts(),
    settings: settingsOf(readConfig({}), [handlers]),
    ask: unused,
    tell: (type, body) => counted.push(`${type} ${JSON.stringify(body)}`),
    touchUser: () => Promise.resolve("en"),
    download: unused,
    fetchPage: unused,
    albumHasMore: unused,
    reserve: unused,
  };
  const plugins = [handlers, sentence];
  const route = createRouter({ plugins, ports, botInfo, handlerMs: HANDLER_MS });
  const never = new AbortController().signal;
  let update_id = 0;
  const send = (text: string) => {
    const { id } = bot.user;
    const chat = { id, type: "private", first_name: "Ada" };
    const from = { id, is_bot: false, first_name: "Ada" };
    const message = { message_id: 1, date: 1, chat, from, text };
    return route({ update_id: ++update_id, message }, (_content, call) => call(), never);
  };
  for (const text of ["hang", "throw", "answer"]) await send(text);
  const said = bot.user.messages().map((message) => message.text);
  assert.equal(said.length, 3);
  assert.match(said[0] ?? "", /took too long/i);
  assert.match(said[1] ?? "", /went wrong/i);
  assert.doesNotMatch(said[1] ?? "", /internal/);
  assert.equal(said[2], "answered");
  const errors = counted.filter((each) => each.includes('"errors"'));
  assert.deepEqual(errors.map((each) => /"type":"(\w+)"/.exec(each)?.[1]), [
    "TimeoutError",
    "Error",
  ]);
});
