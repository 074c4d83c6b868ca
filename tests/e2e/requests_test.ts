/** Ready-made requests, and questions in another language than the document, with a model behind. */
import assert from "node:assert/strict";
import { buttonOf, says, sendText } from "../support/chat.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { anyStorage, startWorld } from "../support/world.ts";

/** Numbered paragraphs, one lamp each; about 3,500 tokens in all. */
const BOOK = Array.from(
  { length: 60 },
  (_, n) => `Lamp ${n}: ` + "the keeper trims the wick and fills the oil again. ".repeat(4),
).join("\n\n");

Deno.test({
  name: "requests about whole documents",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      AI_RETRY_BASE_MS: "10",
      AI_ATTEMPTS: "0",
      AI_CONCURRENCY: "1",
      CONTEXT_TOKENS: "1500",
      USER_DAILY_TOKENS: "3000",
    });

    await t.step("a document offers them, and a short one is read at once", async () => {
      const ada = world.user("en");
      sendText(ada, "keys.txt", "The keys are with Rosa until 4 May.");
      const ready = await says(ada, /keys\.txt.*ready/);
      assert.deepEqual(ready.buttons.flat().map(({ text }) => text.replace(/^\P{L}+/u, "")), [
        "Summary",
        "Key points",
        "Deadlines",
        "Risks, duties",
        "Figures",
      ]);
      gemini.next({ kind: "answer", chunks: ["4 May: return the keys [part 1]."] });
      ada.press(ready.id, buttonOf(ready, /Deadlines/));
      const answer = await says(ada, /4 May: return the keys/);
      assert.deepEqual(answer.buttons.flat().map(({ text }) => text), ["part 1"]);
      assert.match(
        gemini.calls.at(-1)?.user ?? "",
        /keys are with Rosa[\s\S]*deadlines and action/,
      );
      const before = gemini.calls.length;
      ada.press(ready.id, buttonOf(ready, /Deadlines/));
      await ada.waitFor((all) => all.filter(({ text }) => /4 May: return/.test(text)).length === 2);
      assert.equal(gemini.calls.length, before, "the second time it is remembered");
    });

    await t.step(
      "a long document is read part by part, to its end, and no part twice",
      async () => {
        const ada = world.user("en");
        sendText(ada, "lamps.txt", BOOK);
        const ready = await says(ada, /lamps\.txt.*ready/);
        const before = gemini.calls.length;
        gemini.next({ kind: "answer", chunks: ["Lamps at the beginning [part 1]."] });
        gemini.next({ kind: "error", status: 500, message: "broken" });
        ada.press(ready.id, buttonOf(ready, /Summary/));
        const failed = await says(ada, /does not answer just now/);
        assert.match(gemini.calls[before]?.user ?? "", /Lamp 0:/);

        const middle = gemini.calls.length;
        ada.press(failed.id, buttonOf(failed, /Try again/));
        await ada.waitFor((all) => all.at(-1)?.from === "bot" && all.at(-1)?.id !== failed.id);
        const again = gemini.calls.slice(middle);
        assert.ok(again.some(({ user }) => /Lamp 59:/.test(user)), "it is read to its end");
        assert.ok(again.every(({ user }) => !/Lamp 0:/.test(user)), "no part is read twice");
        assert.ok(again.every(({ user }) => !/Lamp 20:[\s\S]*Lamp 59:/.test(user)), "part by part");
        const last = gemini.calls.at(-1)?.user ?? "";
        assert.match(
          last,
          /<notes part="1">\nLamps at the beginning[\s\S]*part="2"[\s\S]*Summarise/,
        );
      },
    );

    await t.step("notes that are too long for one prompt are noted again", async () => {
      const ada = world.user("en");
      sendText(ada, "more.txt", `${BOOK}\n\nOnly here is a walrus.`);
      const ready = await says(ada, /more\.txt.*ready/);
      const before = gemini.calls.length;
      const long = `${"A long note on many lamps. ".repeat(120)} [part 1]`;
      for (let n = 0; n < 3; n++) gemini.next({ kind: "answer", chunks: [long] });
      ada.press(ready.id, buttonOf(ready, /Key points/));
      await says(ada, /not in the document/);
      const calls = gemini.calls.slice(before);
      for (const { user } of calls) {
        const documents = /<documents>[\s\S]*<\/documents>/.exec(user)?.[0] ?? "";
        assert.ok(documents.length / 4 < 1_500 * 1.3, `${documents.length} letters`);
      }
      assert.ok(calls.filter(({ user }) => /long note/.test(user)).length >= 2, "in two rounds");
    });

    await t.step("it can be stopped while it is written", async () => {
      const ada = world.user("en");
      sendText(ada, "rent.txt", "The rent is 900 crowns a month.");
      const ready = await says(ada, /rent\.txt.*ready/);
      const gate = Promise.withResolvers<void>();
      gemini.next({ kind: "answer", chunks: ["The rent ", "is 900."], gate: gate.promise });
      const draft = world.server.called(({ method }) => method === "sendRichMessageDraft");
      const called = gemini.called();
      ada.press(ready.id, buttonOf(ready, /Figures/));
      ada.stop(Number((await draft).payload.draft_id));
      await says(ada, /^The rent\s+⏹ You stopped/);
      await (await called).aborted;
      gate.resolve();
    });

    await t.step("the user's tokens of the day are counted, and end", async () => {
      const eve = world.user("en");
      sendText(eve, "keys.txt", "The keys are with Rosa until 4 May, in the drawer of the desk.");
      await says(eve, /keys\.txt.*ready/);
      // The stand-in says 155 tokens for each answer.
      for (let n = 0; n < 20; n++) {
        eve.sendText(`Where are the keys on day ${n} of the month of May?`);
        await eve.waitFor((all) => all.at(-1)?.from === "bot");
      }
      eve.sendText("Where are the keys at last?");
      await says(eve, /today's budget of the AI \(3.?000 tokens\)/);
    });
  },
});

Deno.test({
  name: "a question in another language than the document, with an AI",
  async fn() {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      GEMINI_EMBEDDING_MODEL: "",
      CONTEXT_TOKENS: "1000",
    });
    const ada = world.user("ru");
    sendText(ada, "lamps.txt", `${BOOK}\n\nThe foghorn was silenced in 1931.`);
    await says(ada, /lamps\.txt.*готов/);
    gemini.next({ kind: "answer", chunks: ["foghorn, silenced; ревун"] });
    gemini.next({ kind: "answer", chunks: ["В 1931 году [ч. 1]."] });
    ada.sendText("Когда умолк ревун?");
    await says(ada, /В 1931 году/);
    const [words, answer] = gemini.calls.slice(-2);
    assert.match(words?.system ?? "", /full-text search/);
    assert.doesNotMatch(words?.user ?? "", /keeper/, "no document is needed for words");
    assert.match(answer?.user ?? "", /foghorn was silenced in 1931/);

    const before = gemini.calls.length;
    const boris = world.user("ru");
    sendText(boris, "other.txt", `${BOOK}\n\nIn the north the foghorn sounds on.`);
    await says(boris, /other\.txt.*готов/);
    boris.sendText("Когда умолк ревун?");
    await boris.waitFor((all) => all.at(-1)?.from === "bot");
    assert.equal(gemini.calls.length - before, 1, "the words are remembered");
  },
});
