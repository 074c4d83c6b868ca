/** The whole bot with a model behind it: streamed answers, checked citations, and the AI's bad days. */
import assert from "node:assert/strict";
import { says, withSample } from "../support/chat.ts";
import { quotaUsedUp, startGeminiServer } from "../support/gemini_server.ts";
import { anyStorage, startWorld, type World } from "../support/world.ts";

const QUESTION = "What notice period applies to an engagement?";

Deno.test({
  name: "the bot with an AI",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      AI_RETRY_BASE_MS: "10",
      USER_RATE_PER_MIN: "0",
    });
    const ada = await withSample(world);

    await t.step(
      "it streams the answer as drafts, and then sends it with its citation",
      async () => {
        const gate = Promise.withResolvers<void>();
        const chunks = ["Three months' ", "notice [p. 4]."];
        gemini.next({ kind: "answer", chunks, gate: gate.promise });
        const draft = draftOf(world);
        ada.sendText(QUESTION);
        assert.match(await draft, /Three months' /);
        gate.resolve();
        await says(ada, /^Three months' notice \[p\. 4\]\.$/);
      },
    );

    await t.step("it does not ask the model again for the same question", async () => {
      const before = gemini.calls.length;
      ada.sendText(`  ${QUESTION.toUpperCase()} `);
      await says(ada, /Three months' notice/);
      assert.equal(gemini.calls.length, before);
    });

    await t.step(
      "the prompt has the document first, the question last, and the page labels",
      () => {
        const { user } = gemini.calls[0] ?? { user: "" };
        assert.ok(user.indexOf("three months' notice") < user.indexOf(QUESTION));
        assert.match(user, /p\. 4/);
      },
    );

    await t.step(
      "a follow-up is asked with the conversation, and never from the cache",
      async () => {
        gemini.next({ kind: "answer", chunks: ["One month [p. 4]."] });
        ada.sendText("and during the first six months?");
        await says(ada, /One month/);
        assert.match(gemini.calls.at(-1)?.user ?? "", /Three months' notice/);
      },
    );

    await t.step("a cited page is shown word for word, to its owner alone", async () => {
      const cited = ada.messages().findLast(({ text }) => /Three months' notice/.test(text));
      const [button] = cited?.buttons.flat() ?? [];
      assert.equal(button?.text, "p. 4");
      ada.press(cited?.id ?? 0, button?.data ?? "");
      await says(ada, /p\. 4[\s\S]*giving three months' notice/);
      const eve = world.user("en");
      eve.sendText("/start");
      await says(eve, /answer questions/);
      eve.press(cited?.id ?? 0, button?.data ?? "");
      await says(eve, /not here any more/);
    });

    await t.step("a failed answer offers another try", async () => {
      gemini.next({ kind: "blocked", blockReason: "SAFETY" });
      ada.sendText("Which lamp burns in the tower?");
      await says(ada, /refused this question/);
      const [button] = ada.messages().at(-1)?.buttons.flat() ?? [];
      assert.match(button?.text ?? "", /Try again/);
      gemini.next({ kind: "answer", chunks: ["A lamp of brass [p. 2]."] });
      ada.press(ada.messages().at(-1)?.id ?? 0, button?.data ?? "");
      await says(ada, /lamp of brass/);
    });

    await t.step("a page that is not among the passages is marked", async () => {
      gemini.next({ kind: "answer", chunks: ["A walrus guards the door [p. 99]."] });
      ada.sendText("Who guards the door?");
      await says(ada, /p\. 99: not found/);
    });

    await t.step("what passes is tried again, and the user sees only the answer", async () => {
      gemini.next({ kind: "error", status: 503, message: "overloaded" });
      gemini.next({ kind: "error", status: 503, message: "overloaded" });
      gemini.next({ kind: "answer", chunks: ["47 metres a second [p. 5]."] });
      const before = gemini.calls.length;
      ada.sendText("How strong was the strongest wind?");
      await says(ada, /47 metres/);
      assert.equal(gemini.calls.length, before + 3);
    });

    await t.step("fifty users with the same new question cost one call", async () => {
      const users = await Promise.all(Array.from({ length: 50 }, () => withSample(world)));
      const gate = Promise.withResolvers<void>();
      gemini.next({ kind: "answer", chunks: ["2,316 ", "people [p. 6]."], gate: gate.promise });
      const before = gemini.calls.length;
      const called = gemini.called();
      for (const user of users) user.sendText("How many visitors climbed the steps?");
      await called;
      gate.resolve();
      await Promise.all(users.map((user) => says(user, /2,316 people \[p\. 6\]/)));
      assert.equal(gemini.calls.length, before + 1);
    });

    await t.step("without an answer the passages stand in, with the reason in words", async () => {
      gemini.next(quotaUsedUp());
      ada.sendText("What did the crew of the yacht send?");
      await says(ada, /quota is used up.*passages[\s\S]*sent a cake[\s\S]*p\. 3/);
    });

    await t.step("tokens and outcomes are counted", async () => {
      const { counters } = await world.metrics();
      // Of the fifty, some came in time to share the call, and the others to find its answer kept.
      assert.ok((counters["ai.requests:cached=true,outcome=ok,provider=gemini"] ?? 0) >= 1);
      assert.equal(counters["ai.requests:cached=false,outcome=quota,provider=gemini"], 1);
      assert.ok((counters["ai.tokens:kind=prompt"] ?? 0) > 0);
      assert.ok((counters["messages.handled:type=text"] ?? 0) > 50);
    });
  },
});

/** The next draft that the bot shows. */
function draftOf({ server }: World): Promise<string> {
  return server.called((call) => call.method === "sendRichMessageDraft")
    .then(({ payload }) => JSON.stringify(payload.rich_message));
}
