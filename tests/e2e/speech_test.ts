/** Answers read aloud through the whole bot, with AIs that speak over real HTTP. */
import assert from "node:assert/strict";
import { createDatabase } from "../../lib/db/database.ts";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import type { ChatMessage, DemoUser } from "../../lib/demo/chats.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { toPlainText } from "../../lib/telegram/markdown.ts";
import { buttonOf, says, withSample } from "../support/chat.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import type { ModelCall } from "../support/model_server.ts";
import { type OpenAiServer, quotaUsedUp, startOpenAiServer } from "../support/openai_server.ts";
import { startProcess } from "../support/process.ts";
import { opus } from "../support/recordings.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { anyStorage, startWorld, TOKEN, type World } from "../support/world.ts";

const QUESTION = "What notice period applies to an engagement?";
const LISTEN = /Listen|Послушать/;

function speakingWorld(server: OpenAiServer, env: Record<string, string> = {}): Promise<World> {
  return startWorld(anyStorage, {
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_MODEL: "local-model",
    OPENAI_SPEECH_MODEL: "local-voice",
    OPENAI_SPEECH_VOICE: "ada",
    AI_RETRY_BASE_MS: "5",
    ...env,
  });
}

const speeches = ({ calls }: { calls: readonly ModelCall[] }) =>
  calls.filter(({ voice }) => voice !== undefined);

/** Asks, and gives the answer with its buttons; the question's number makes it new. */
let asked = 0;
async function answered(user: DemoUser, server: OpenAiServer, answer: string) {
  server.next({ kind: "answer", chunks: [answer] });
  const before = user.messages().length;
  user.sendText(`${QUESTION} (${asked++})`);
  const messages = await user.waitFor((all) =>
    all.length > before + 1 && all.at(-1)?.from === "bot" && all.at(-1)?.buttons.length !== 0
  );
  const message = messages.at(-1);
  assert.ok(message);
  return message;
}

function listen(user: DemoUser, answer: ChatMessage): void {
  user.press(answer.id, buttonOf(answer, LISTEN));
}

async function soundOf(user: DemoUser, after: ChatMessage): Promise<ChatMessage> {
  const messages = await user.waitFor((all) =>
    all.some(({ id, sound }) => id > after.id && sound !== undefined)
  );
  const sound = messages.findLast(({ sound }) => sound !== undefined);
  assert.ok(sound);
  return sound;
}

Deno.test({
  name: "the bot with an AI that speaks",
  async fn(t) {
    await using server = await startOpenAiServer();
    await using world = await speakingWorld(server);
    const sent = (method: string) => world.server.calls.filter((call) => call.method === method);
    const ada = await withSample(world);
    let answer: ChatMessage | undefined;
    let first: ChatMessage | undefined;

    await t.step("an answer is read aloud as a voice note, without marks and places", async () => {
      answer = await answered(ada, server, "**Three months** [p. 4].\n\n- It is _long_ [p. 1]");
      listen(ada, answer);
      first = await soundOf(ada, answer);
      const [call] = speeches(server);
      assert.deepEqual([call?.model, call?.voice, call?.format, call?.user], [
        "local-voice",
        "ada",
        "opus",
        "Three months.\nIt is long.",
      ]);
      assert.equal(first.file, "answer.ogg");
      assert.equal(first.bytes, opus(2).length);
      const [voice] = sent("sendVoice");
      assert.equal(voice?.payload.duration, "2");
      assert.ok(sent("sendChatAction").some(({ payload }) => payload.action === "record_voice"));
    });

    await t.step("a second press sends Telegram's own copy, and the AI is not called", async () => {
      assert.ok(answer !== undefined && first !== undefined);
      listen(ada, answer);
      await soundOf(ada, first);
      assert.equal(speeches(server).length, 1);
      assert.equal(sent("sendVoice").at(-1)?.payload.voice, first.sound);
    });

    await t.step("a copy that Telegram has no more is spoken anew", async () => {
      assert.ok(answer !== undefined);
      const last = ada.messages().at(-1);
      assert.ok(last !== undefined);
      const description = "Bad Request: wrong file identifier/HTTP URL specified";
      world.server.faults.add({ method: "sendVoice", times: 1, kind: { code: 400, description } });
      listen(ada, answer);
      await soundOf(ada, last);
      const [refused, again] = sent("sendVoice").slice(-2).map(({ payload }) => payload.voice);
      assert.equal(refused, first?.sound);
      assert.ok(again instanceof File);
    });

    await t.step("nobody hears the answer of somebody else", async () => {
      assert.ok(answer !== undefined);
      const eve = world.user("en");
      const calls = server.calls.length;
      eve.press(answer.id, buttonOf(answer, LISTEN));
      await says(eve, /I have forgotten this answer/);
      assert.equal(server.calls.length, calls);
    });

    await t.step("who takes no voice notes gets a file to play", async () => {
      const next = await answered(ada, server, "Four months [p. 4].");
      const description = "Bad Request: VOICE_MESSAGES_FORBIDDEN";
      world.server.faults.add({ method: "sendVoice", times: 1, kind: { code: 400, description } });
      listen(ada, next);
      const played = await soundOf(ada, next);
      assert.equal(sent("sendAudio").length, 1);
      listen(ada, next);
      await soundOf(ada, played);
      assert.equal(sent("sendAudio").at(-1)?.payload.audio, played.sound);
    });

    await t.step("a long answer is cut at a sentence, and says that it goes on", async () => {
      const long = Array.from({ length: 400 }, (_, n) => `Item ${n} costs ${n} euros.`).join(" ");
      const next = await answered(ada, server, `${long} [p. 4]`);
      listen(ada, next);
      await soundOf(ada, next);
      const { user = "" } = speeches(server).at(-1) ?? {};
      assert.ok(user.length <= 4_096 && user.length > 4_000, `${user.length} letters`);
      assert.match(user, / euros\.\nThis is the beginning; the rest is in the written answer\.$/);
    });

    await t.step("what passes is tried again", async () => {
      const next = await answered(ada, server, "Five months [p. 4].");
      server.next({ kind: "error", status: 503, message: "overloaded" });
      listen(ada, next);
      await soundOf(ada, next);
    });

    const failures: [string, Parameters<OpenAiServer["next"]>[0], RegExp, RegExp][] = [
      [
        "without the way",
        { kind: "error", status: 404, message: "Not Found" },
        /^I cannot read this aloud: the AI that is configured cannot speak\.$/,
        /^Не могу прочитать вслух: подключённый ИИ не умеет говорить\.$/,
      ],
      [
        "that refuses the words",
        { kind: "error", status: 400, message: "No.", code: "content_filter" },
        /^I cannot read this aloud: the AI refused these words\.$/,
        /^Не могу прочитать вслух: ИИ отказался произносить эти слова\.$/,
      ],
      [
        "that is not what was configured",
        { kind: "error", status: 422, message: "Unknown voice." },
        /^I cannot read this aloud: the AI does not answer just now/,
        /^Не могу прочитать вслух: ИИ сейчас не отвечает/,
      ],
    ];
    const boris = await withSample(world, "ru");
    for (const [what, reply, english, russian] of failures) {
      await t.step(`a server ${what} ends in a sentence`, async () => {
        for (const [user, sentence] of [[ada, english], [boris, russian]] as const) {
          const next = await answered(user, server, `Answer ${asked} [p. 1].`);
          server.next(reply);
          listen(user, next);
          const told = await says(user, sentence);
          assert.ok(!/undefined|Error|speech-/.test(told.text));
        }
      });
    }

    await t.step("an answer without a word to say is told so", async () => {
      const next = await answered(boris, server, "[ч. 1]");
      listen(boris, next);
      await says(boris, /^В этом ответе нечего прочитать вслух\.$/);
    });

    await t.step("an answer that was forgotten is told so", async () => {
      const next = await answered(boris, server, "Шесть [с. 1].");
      boris.sendText("/clear");
      await says(boris, /Забыл/);
      listen(boris, next);
      await says(boris, /^Этот ответ я уже забыл/);
    });

    // Last, as it silences the voice.
    await t.step("a voice whose quota is used up leaves the answers as they are", async () => {
      const next = await answered(ada, server, "Seven months [p. 4].");
      server.next(quotaUsedUp());
      listen(ada, next);
      await says(ada, /^I cannot read this aloud: the AI's quota is used up/);
      const calls = speeches(server).length;
      listen(ada, next);
      await ada.waitFor((all) =>
        all.filter(({ text }) => /quota is used up/.test(text)).length > 1
      );
      assert.equal(speeches(server).length, calls, "it is spared");
      const after = await answered(ada, server, "Eight months [p. 4].");
      assert.match(toPlainText(after.text), /^Eight months/);
    });
  },
});

Deno.test("Gemini's sound arrives as an audio, and its tokens are counted", async () => {
  await using gemini = await startGeminiServer();
  await using world = await startWorld(anyStorage, {
    GEMINI_API_KEY: "some-key",
    GEMINI_BASE_URL: gemini.url,
    GEMINI_SPEECH_MODEL: "gemini-voice",
    USER_DAILY_TOKENS: "200",
  });
  const ada = await withSample(world);
  ada.sendText(QUESTION);
  const answer = await says(ada, /\[p\. \d\]/);
  const before = (await world.metrics()).counters["ai.tokens:kind=answer"] ?? 0;
  listen(ada, answer);
  const sound = await soundOf(ada, answer);
  assert.equal(sound.file, "answer.wav");
  assert.equal(speeches(gemini)[0]?.model, "gemini-voice");
  const after = (await world.metrics()).counters["ai.tokens:kind=answer"] ?? 0;
  assert.equal(after - before, 50);

  // 120 and 35 for the answer, 12 and 50 for its sound: the day's tokens are used up.
  ada.sendText("Who pays?");
  await says(ada, /today's budget of the AI/);
  listen(ada, answer);
  await soundOf(ada, sound);
  assert.equal(speeches(gemini).length, 1, "what is known costs nothing");
});

Deno.test("a user whose tokens are used up hears nothing new", async () => {
  await using server = await startOpenAiServer();
  await using world = await speakingWorld(server, { USER_DAILY_TOKENS: "100" });
  const ada = await withSample(world);
  const answer = await answered(ada, server, "Three months [p. 4].");
  listen(ada, answer);
  await says(ada, /You have used up today's budget of the AI/);
  assert.equal(speeches(server).length, 0);
});

Deno.test("a server that falls silent is hung up on, and a sentence says so", async () => {
  await using server = await startOpenAiServer();
  await using world = await speakingWorld(server, { AI_TIMEOUT_MS: "1500", AI_ATTEMPTS: "0" });
  const ada = await withSample(world);
  const answer = await answered(ada, server, "Three months [p. 4].");
  server.next({ kind: "hang" });
  const called = server.called();
  listen(ada, answer);
  await (await called).aborted;
  await says(ada, /^I cannot read this aloud: the AI took too long/);
});

Deno.test("without a model that speaks there is no button", async () => {
  await using server = await startOpenAiServer();
  await using world = await startWorld(anyStorage, {
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_MODEL: "local-model",
  });
  const ada = await withSample(world);
  const answer = await answered(ada, server, "Three months [p. 4].");
  assert.deepEqual(answer.buttons.flat().map(({ text }) => text), ["p. 4"]);
});

Deno.test({
  name: "killed after the sound was sent, the bot does not send it again",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    await using ai = await startOpenAiServer();
    const server = await startBotApiServer({ token: TOKEN });
    const start = () =>
      startProcess(["start"], {
        BOT_TOKEN: TOKEN,
        BOT_API_ROOT: server.url,
        DATA_DIR: folder.path,
        DATABASE_URL: services.url,
        OPENAI_BASE_URL: `${ai.url}/v1`,
        OPENAI_MODEL: "local-model",
        OPENAI_SPEECH_MODEL: "local-voice",
        PORT: "0",
      });
    const isEnd = ({ method }: { method: string }) => method === "answerCallbackQuery";
    try {
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      {
        await using bot = start();
        await bot.logged(/Ready in/);
        await bot.logged(/AI: openai, local-model, spoken by local-voice\/alloy/);
        ada.sendFile(await sampleFile("en"));
        await says(ada, /is ready/);
        const answer = await answered(ada, ai, "Three months [p. 4].");
        // The last thing that a press does; it is noted before that what was sent.
        server.faults.add({ method: "answerCallbackQuery", kind: "hang" });
        const pressed = server.called(isEnd);
        listen(ada, answer);
        await pressed;
        await noted(services.url);
        bot.kill("SIGKILL");
        await bot.exitCode;
      }
      const ended = server.called(isEnd);
      await using again = start();
      await again.logged(/Ready in/);
      await ended;
      assert.equal(ada.messages().filter(({ sound }) => sound !== undefined).length, 1);
      assert.equal(server.calls.filter(({ method }) => method === "sendVoice").length, 1);
    } finally {
      await server.close();
    }
  },
});

/** Resolves once the update in hand has noted what it has sent. */
async function noted(url: string): Promise<void> {
  const database = createDatabase({ url, directory: "" });
  await database.connect();
  try {
    while ((await database.sql`select 1 from sent_messages`).length === 0);
  } finally {
    await database.close();
  }
}
