/** Ready-made requests, and questions in another language than the document, with a model behind. */
import assert from "node:assert/strict";
import type { DemoUser } from "../../lib/demo/chats.ts";
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
      send(ada, "keys.txt", "The keys are with Rosa until 4 May.");
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
        send(ada, "lamps.txt", BOOK);
        const ready = await says(ada, /lamps\.txt.*ready/);
        const before = gemini.calls.length;
        gemini.next({ kind: "answer", chunks: ["Lamps at the beginning [part 1]."] });
        gemini.next({ kind: "error", status: 500, message: "broken" });
        ada.press(ready.id, buttonOf(ready, /Summary/));
        const failed = await says(ada, /does not answer just now/);
        const first = gemini.calls.slice(before);
        assert.ok(first.length >= 3, "every part was tried");
        assert.match(first[0]?.user ?? "", /Lamp 0:/);
        assert.match(first.at(-1)?.user ?? "", /Lamp 59:/);
        assert.ok(first.every(({ user }) => !/Lamp 0:[\s\S]*Lamp 59:/.test(user)));

        const middle = gemini.calls.length;
        gemini.next({ kind: "answer", chunks: ["Lamps in the middle [part 2]."] });
        gemini.next({ kind: "answer", chunks: ["All lamps are trimmed [part 1] [part 2]."] });
        ada.press(failed.id, buttonOf(failed, /Try again/));
        await says(ada, /All lamps are trimmed/);
        assert.equal(gemini.calls.length - middle, 2, "the part that failed, and the end");
        const last = gemini.calls.at(-1)?.user ?? "";
        assert.match(last, /Lamps at the beginning[\s\S]*Lamps in the middle[\s\S]*Summarise/);
        assert.doesNotMatch(last, /Lamp 0:/);
      },
    );

    await t.step("the user's tokens of the day are counted, and end", async () => {
      const eve = world.user("en");
      send(eve, "keys.txt", "The keys are with Rosa until 4 May, in the drawer of the desk.");
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
      CONTEXT_TOKENS: "1000",
    });
    const ada = world.user("ru");
    send(ada, "lamps.txt", `${BOOK}\n\nThe foghorn was silenced in 1931.`);
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
    send(boris, "other.txt", `${BOOK}\n\nIn the north the foghorn sounds on.`);
    await says(boris, /other\.txt.*готов/);
    boris.sendText("Когда умолк ревун?");
    await boris.waitFor((all) => all.at(-1)?.from === "bot");
    assert.equal(gemini.calls.length - before, 1, "the words are remembered");
  },
});

function send(user: DemoUser, name: string, text: string): void {
  user.sendFile({ name, bytes: new TextEncoder().encode(text), mimeType: "text/plain" });
}

async function says(user: DemoUser, pattern: RegExp) {
  const all = await user.waitFor((all) => {
    const last = all.at(-1);
    return last?.from === "bot" && pattern.test(last.text);
  }, 20_000);
  const last = all.at(-1);
  assert.ok(last);
  return last;
}

function buttonOf(
  { buttons }: { buttons: readonly (readonly { text: string; data: string }[])[] },
  label: RegExp,
): string {
  return buttons.flat().find(({ text }) => label.test(text))?.data ?? "";
}
