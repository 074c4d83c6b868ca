/** Voice notes and recordings through the whole bot, with an AI that hears over real HTTP. */
import assert from "node:assert/strict";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import type { ChatMessage, DemoUser } from "../../lib/demo/chats.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import {
  type GeminiReply,
  type GeminiServer,
  quotaUsedUp,
  rateLimited,
  startGeminiServer,
} from "../support/gemini_server.ts";
import { mp4, numbersIn, PACKET_SECONDS } from "../support/containers.ts";
import { startProcess } from "../support/process.ts";
import { marksIn, mp3, opus, wav } from "../support/recordings.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { startTranscriptionServer } from "../support/transcription_server.ts";
import { anyStorage, startWorld, TOKEN, type World } from "../support/world.ts";

const QUESTION = "What notice period applies to an engagement?";

/** Waits until the last message is the bot's and matches. */
async function says(user: DemoUser, pattern: RegExp, timeoutMs = 20_000): Promise<ChatMessage> {
  const messages = await user.waitFor((all) => {
    const last = all.at(-1);
    return last?.from === "bot" && pattern.test(shown(last));
  }, timeoutMs);
  const last = messages.at(-1);
  assert.ok(last);
  return last;
}

/** A message as its reader sees it. */
function shown(message: ChatMessage | undefined): string {
  return (message?.text ?? "").replace(/<\/?\w+>/g, "")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function said(...lines: readonly string[]): GeminiReply {
  return { kind: "answer", chunks: [lines.join("\n")] };
}

function startHearingWorld(gemini: GeminiServer): Promise<World> {
  return startWorld(anyStorage, {
    GEMINI_API_KEY: "some-key",
    GEMINI_BASE_URL: gemini.url,
    AI_RETRY_BASE_MS: "5",
    USER_RATE_PER_MIN: "0",
  });
}

const file = (name: string, bytes: Uint8Array) => ({ name, bytes, mimeType: "audio/x-any" });

Deno.test({
  name: "the bot with an AI that hears",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startHearingWorld(gemini);

    await t.step("a voice note is shown as it was heard, and answered as a question", async () => {
      const ada = world.user("en");
      ada.sendFile(await sampleFile("en"));
      await says(ada, /is ready/);
      gemini.next(said(`[00:00] What notice period`, `[00:01] applies to an engagement?`));
      gemini.next(said("Three months [p. 4]."));
      ada.sendVoice(opus(2));
      await says(ada, /^Three months \[p\. 4\]\.$/);
      assert.equal(shown(ada.messages().at(-2)), `🎤 ${QUESTION}`);
      assert.equal(gemini.calls.at(-2)?.audio?.mimeType, "audio/ogg");
      assert.match(gemini.calls.at(-1)?.user ?? "", /notice period applies to an engagement\?/);
    });

    await t.step(
      "what is said in a voice note is text, never formatting or a command",
      async () => {
        const ada = world.user("en");
        gemini.next(said("[00:00] /clear **all** <b>of it"));
        ada.sendVoice(opus(1));
        await says(ada, /Send me a document first/);
        assert.equal(
          shown(ada.messages().at(-2)),
          "🎤 /clear **all** <b>of it",
        );
      },
    );

    await t.step("a voice note without a word says so, in the user's language", async () => {
      const ada = world.user("ru");
      gemini.next(said("[no speech]"));
      ada.sendVoice(opus(11));
      await says(ada, /^Не могу взять голосовое сообщение: речи в записи не слышно\.$/);
    });

    await t.step(
      "a call of 40 minutes is heard in parts; a citation names the minute",
      async () => {
        const marks = Array.from({ length: 40 }, (_, n) => ({ at: n * 60 + n, value: n + 1 }));
        gemini.hear((recording) =>
          marksIn(recording).map(({ at, value }) =>
            `[${time(at)}] Item ${value} of the agenda costs ${value * 111} euros.`
          ).join("\n")
        );
        const ada = world.user("en");
        const before = gemini.calls.length;
        const recording = wav(2_400, marks);
        ada.sendAudio(file("board call.wav", recording));
        const first = await ada.waitFor((all) => all.at(-1)?.from === "bot");
        assert.match(shown(first.at(-1)), /^Listening to board call\.wav …/);
        await says(ada, /board call\.wav is ready: 40 minutes/, 60_000);
        assert.equal(ada.messages().length, 2, "one message tells it all");
        assert.equal(gemini.calls.length - before, 8);

        gemini.next(said("It costs 1887 euros [17 min]."));
        ada.sendText("What does item 17 cost?");
        const answer = await says(ada, /1887 euros \[17 min\]\.$/);
        const prompt = gemini.calls.at(-1)?.user ?? "";
        assert.match(prompt, /label="\[17 min\]"[^>]*>\nItem 17 of the agenda costs 1887 euros\./);
        ada.press(answer.id, answer.buttons.flat()[0]?.data ?? "");
        await says(ada, /17 min\s+Item 17 of the agenda/);

        const calls = gemini.calls.length;
        ada.sendAudio(file("again.wav", recording));
        await says(ada, /is ready: I know this file already \(40 minutes\)/);
        assert.equal(gemini.calls.length, calls, "nothing is heard twice");
      },
    );

    await t.step(
      "a film longer than one part is heard in parts, its sound alone, with progress",
      async () => {
        const film = await mp4(700, { pictures: true });
        const second = Promise.withResolvers<void>();
        let heard = 0;
        gemini.hear((recording) => {
          const [first = 0, ...rest] = numbersIn(recording);
          return [first, ...rest]
            .filter((number) => Math.floor(number * PACKET_SECONDS) % 60 === 30)
            .map((number) =>
              `[${time(Math.floor((number - first) * PACKET_SECONDS))}] ` +
              `Scene ${Math.floor(number * PACKET_SECONDS / 60) + 1} is about packet ${number}.`
            ).join("\n");
        }, () => heard++ === 0 ? Promise.resolve() : second.promise);
        const ada = world.user("en");
        const before = gemini.calls.length;
        ada.sendFile({ ...file("lecture.mp4", film), mimeType: "video/mp4" });
        await says(ada, /^Listening to lecture\.mp4 … part 2 of 3$/);
        second.resolve();
        await says(ada, /lecture\.mp4 is ready: 12 minutes/, 60_000);
        const calls = gemini.calls.slice(before);
        assert.deepEqual(calls.map(({ audio }) => audio?.mimeType), Array(3).fill("audio/mp4"));
        const sent = calls.reduce((sum, { audio }) => sum + (audio?.bytes.length ?? 0), 0);
        assert.ok(sent * 5 < film.length, "the pictures are not sent");

        gemini.next(said("It is about packet 3516 [8 min]."));
        ada.sendText("What is scene 8 about?");
        const answer = await says(ada, /packet 3516 \[8 min\]\.$/);
        assert.match(
          gemini.calls.at(-1)?.user ?? "",
          /label="\[8 min\]"[^>]*>\n(Scene 8 is about packet \d+\.\n?)+/,
        );
        ada.press(answer.id, answer.buttons.flat()[0]?.data ?? "");
        await says(ada, /8 min\s+Scene 8 is about packet 3516\./);
      },
    );

    await t.step("a film that nobody can read is refused, and the next one is heard", async () => {
      const ada = world.user("en");
      const film = await mp4(20, { pictures: true });
      ada.sendFile(file("broken.mp4", film.subarray(0, 300)));
      await says(ada, /cannot use broken\.mp4: the file is damaged/);
      gemini.next(said("[00:01] Hello."));
      ada.sendFile(file("whole.mp4", film));
      await says(ada, /whole\.mp4 is ready: 1 minute/);
    });

    await t.step("an MP3 sent as a file is heard as well, and its question answered", async () => {
      const ada = world.user("ru");
      gemini.next(said("[00:00] Платёж — пятого числа."));
      gemini.next(said("Пятого числа [1 мин]."));
      ada.sendFile({ ...file("звонок.mp3", mp3(40)), caption: "Когда платёж?" });
      await says(ada, /^Пятого числа \[1 мин\]\.$/);
      assert.match(shown(ada.messages().at(-2)), /звонок\.mp3 — готов: 1 минута/);
      assert.equal(gemini.calls.at(-2)?.audio?.mimeType, "audio/mp3");
    });

    await t.step("what passes is tried again, and the user sees the end alone", async () => {
      const ada = world.user("en");
      gemini.next(rateLimited(0));
      gemini.next({ kind: "error", status: 503, message: "overloaded" });
      gemini.next(said("Good morning, without any time."));
      gemini.next(said("[00:00] Good morning."));
      const before = gemini.calls.length;
      ada.sendAudio(file("a.ogg", opus(3)));
      await says(ada, /a\.ogg is ready: 1 minute/);
      assert.equal(gemini.calls.length - before, 4);
    });

    await t.step("a recording that is never written down as asked is refused", async () => {
      const ada = world.user("en");
      for (let n = 0; n < 4; n++) gemini.next(said("I am a poet."));
      ada.sendAudio(file("b.ogg", opus(4)));
      await says(ada, /^I cannot listen to b\.ogg: the AI does not answer just now/);
    });

    const refusals: [what: string, Uint8Array, GeminiReply | undefined, RegExp][] = [
      [
        "that the AI refuses to write down",
        opus(5),
        { kind: "stopped", finishReason: "SAFETY" },
        /cannot use c\.ogg: the AI refused/,
      ],
      [
        "that the AI does not take",
        opus(6),
        { kind: "error", status: 400, message: "Unable to decode audio" },
        /cannot listen to c\.ogg: the AI does not take/,
      ],
      ["without a word", opus(7), said("[no speech]"), /cannot use c\.ogg: I hear nobody speak/],
      ["without a sound", wav(0), undefined, /cannot use c\.ogg: there is nothing in it/],
      ["of eight hours", opus(8 * 3_600), undefined, /cannot take c\.ogg: .* six hours/],
      ["that is a picture", Uint8Array.of(1, 2, 3), undefined, /cannot use c\.ogg: I read/],
    ];
    for (const [what, bytes, reply, sentence] of refusals) {
      await t.step(`a recording ${what} is refused in one sentence`, async () => {
        const ada = world.user("en");
        const before = gemini.calls.length;
        if (reply !== undefined) gemini.next(reply);
        ada.sendAudio(file("c.ogg", bytes));
        await says(ada, sentence);
        assert.equal(gemini.calls.length - before, reply === undefined ? 0 : 1);
      });
    }

    await t.step("cancel ends the HTTP call of a recording that is listened to", async () => {
      const ada = world.user("en");
      gemini.next({ kind: "hang" });
      const called = gemini.called();
      ada.sendAudio(file("d.ogg", opus(9)));
      const { aborted } = await called;
      const progress = await says(ada, /Listening to d\.ogg/);
      ada.press(progress.id, progress.buttons.flat()[0]?.data ?? "");
      await aborted;
      await says(ada, /Cancelled.*d\.ogg/);
    });

    await t.step("a recording that is too large for the bot is not fetched", async () => {
      const ada = world.user("en");
      ada.sendVoice(new Uint8Array(20 * 1024 * 1024 + 1));
      await says(ada, /^This file is too large: I take files up to 20 MB/);
    });

    await t.step("tokens and documents are counted", async () => {
      const { counters } = await world.metrics();
      // Each call of the stand-in costs 120 and 35.
      assert.ok((counters["ai.tokens:kind=prompt"] ?? 0) >= 14 * 120);
      assert.equal(counters["documents.processed:success=true,type=wav"], 2);
      assert.equal(counters["documents.processed:success=true,type=mp3"], 1);
      assert.ok((counters["messages.handled:type=audio"] ?? 0) > 5);
    });

    // Last, as it opens the circuit.
    await t.step("a quota that is used up is told, and nothing is tried again", async () => {
      const ada = world.user("en");
      gemini.next(quotaUsedUp());
      const before = gemini.calls.length;
      ada.sendVoice(opus(10));
      await says(ada, /^I cannot listen to your voice note: the AI's quota is used up/);
      assert.equal(gemini.calls.length - before, 1);
    });
  },
});

Deno.test("a compatible server hears when its model is named, and says when it cannot", async () => {
  let hears = true;
  await using server = await startTranscriptionServer(() =>
    hears
      ? { json: { text: "x", segments: [{ start: 61, text: "We meet in Riga." }] } }
      : { status: 404, json: { error: { message: "Not Found" } } }
  );
  await using world = await startWorld(anyStorage, {
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_MODEL: "local-model",
    OPENAI_TRANSCRIBE_MODEL: "local-ears",
  });
  const ada = world.user("en");
  ada.sendAudio(file("trip.wav", wav(90)));
  await says(ada, /trip\.wav is ready: 2 minutes/);
  assert.equal(server.calls[0]?.form.get("model"), "local-ears");
  hears = false;
  ada.sendVoice(opus(1));
  await says(ada, /^I cannot listen to your voice note: the AI that is configured cannot hear/);
});

Deno.test("without an AI that hears nothing is fetched, and a sentence says why", async () => {
  await using world = await startWorld(anyStorage, {
    OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
    OPENAI_MODEL: "local-model",
  });
  const ada = world.user("en");
  ada.sendVoice(opus(1));
  await says(ada, /^I cannot listen to voice notes or recordings/);
  ada.sendAudio(file("a.mp3", mp3(40)));
  await says(ada, /^I cannot listen to voice notes or recordings/);
  ada.sendFile(file("a.mp3", mp3(40)));
  await says(ada, /^I cannot listen to a\.mp3: the AI that is configured cannot hear/);
});

Deno.test({
  name: "after the bot was killed a recording is heard anew in the message that was there, " +
    "and a voice note that was heard is only answered",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    await using gemini = await startGeminiServer();
    const server = await startBotApiServer({ token: TOKEN });
    const env = {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      DATABASE_URL: services.url,
      GEMINI_API_KEY: "some-key",
      GEMINI_BASE_URL: gemini.url,
      PORT: "0",
    };
    const botSaid = (user: DemoUser) =>
      user.messages().filter(({ from }) => from === "bot").map(shown);
    try {
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      const bob = server.user({ id: 8, firstName: "Bob", languageCode: "en" });
      {
        await using bot = startProcess(["start"], env);
        await bot.logged(/Ready in \d+ ms/);
        bob.sendFile(await sampleFile("en"));
        await says(bob, /is ready/);
        gemini.next(said(`[00:00] ${QUESTION}`));
        gemini.next({ kind: "hang" });
        bob.sendVoice(opus(2));
        await bob.waitFor((all) => all.some((each) => shown(each) === `🎤 ${QUESTION}`));
        while (gemini.calls.length < 2) await gemini.called();
        gemini.next({ kind: "hang" });
        ada.sendAudio(file("talk.ogg", opus(3)));
        while (gemini.calls.length < 3) await gemini.called();
        await says(ada, /Listening to talk\.ogg/);
        bot.kill("SIGKILL");
        await bot.exitCode;
      }
      gemini.hear(() => "[00:00] Good morning.");
      await using again = startProcess(["start"], env);
      await again.logged(/Ready in \d+ ms/);
      await says(ada, /talk\.ogg is ready: 1 minute/, 90_000);
      await says(bob, /\[p\. 1\]$/, 90_000);
      assert.equal(botSaid(ada).length, 1);
      assert.deepEqual(botSaid(bob).slice(1, -1), [`🎤 ${QUESTION}`]);
      const voices = gemini.calls.filter(({ audio }) => audio?.bytes.length === opus(2).length);
      assert.equal(voices.length, 1);
    } finally {
      await server.close();
    }
  },
});

/** As `mm:ss`. */
function time(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return [minutes, rest].map((n) => String(n).padStart(2, "0")).join(":");
}
