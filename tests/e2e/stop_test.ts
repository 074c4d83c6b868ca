/** Many at once: an answer that its reader stops, and a user with many questions beside one with one. */
import assert from "node:assert/strict";
import { says, withSample } from "../support/chat.ts";
import { waitFor } from "xstate";
import type { DemoUser } from "../../lib/demo/chats.ts";
import { createStops } from "../../lib/telegram/stops.ts";
import {
  type GeminiReply,
  type GeminiServer,
  startGeminiServer,
} from "../support/gemini_server.ts";
import { anyStorage, startWorld, type World } from "../support/world.ts";

const CONCURRENCY = 2;

Deno.test({
  name: "answers in competition",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      USER_RATE_PER_MIN: "0",
      AI_CONCURRENCY: String(CONCURRENCY),
    });
    const ada = await withSample(world, "en");

    await t.step("stop ends the call within 100 ms, and keeps what was written", async () => {
      const { call, draft } = await begin(gemini, world, ada, "What does the keeper do at dusk?");
      assert.equal(draft.can_stop, true);
      const pressedAt = performance.now();
      ada.stop(Number(draft.draft_id));
      const tookMs = await call.aborted - pressedAt;
      assert.ok(tookMs < 100, `It took ${tookMs} ms.`);
      await says(ada, /^The keeper lights the lamp\s+⏹ You stopped this answer here\.$/);
      const { counters } = await world.metrics();
      assert.equal(counters["ai.requests:cached=false,outcome=stopped,provider=gemini"], 1);
    });

    await t.step("a stopped answer is nobody's answer: the question is asked anew", async () => {
      gemini.next({ kind: "answer", chunks: ["Everything, in full [p. 2]."] });
      ada.sendText("What does the keeper do at dusk?");
      await says(ada, /^Everything, in full/);
    });

    await t.step("who shares the answer reads it to its end", async () => {
      const eve = await withSample(world, "en");
      const gate = Promise.withResolvers<void>();
      const question = "Who paints the tower, and when?";
      const { draft } = await begin(gemini, world, ada, question, gate.promise);
      const joined = draftOf(world, eve);
      eve.sendText(question);
      await joined;
      ada.stop(Number(draft.draft_id));
      await says(ada, /You stopped/);
      gate.resolve();
      await says(eve, /^The keeper lights the lamp and notes the weather\.$/);
    });

    await t.step(
      "a stop is told in Russian as well, and one that comes too late does nothing",
      async () => {
        const vera = await withSample(world, "ru");
        const { draft } = await begin(gemini, world, vera, "Кто отвечает за шар в полёте?");
        vera.stop(Number(draft.draft_id));
        await says(vera, /⏹ Здесь вы остановили ответ\.$/);
        const count = vera.messages().length;
        vera.stop(Number(draft.draft_id));
        vera.sendText("/help");
        await vera.waitFor((all) => all.length > count + 1);
        assert.doesNotMatch(vera.messages().at(-1)?.text ?? "", /остановили/);
      },
    );

    await t.step("nobody stops the answer of somebody else", async () => {
      const gate = Promise.withResolvers<void>();
      const question = "How many steps has the tower?";
      const { draft } = await begin(gemini, world, ada, question, gate.promise);
      const eve = world.user("en");
      eve.stop(Number(draft.draft_id));
      eve.sendText("/help");
      await says(eve, /understand/);
      gate.resolve();
      await says(ada, /^The keeper lights the lamp and notes the weather\.$/);
    });

    await t.step("a user with a hundred questions does not hold up another", async () => {
      const eve = await withSample(world, "en");
      const gate = Promise.withResolvers<void>();
      gemini.next(gated(gate.promise));
      const called = gemini.called();
      for (let n = 0; n < 100; n++) ada.sendText(`How high is wave number ${n}?`);
      await called;
      gemini.next({ kind: "answer", chunks: ["Eve's own answer [p. 1]."] });
      const before = ada.messages().length;
      eve.sendText("Which lamp burns in the tower?");
      await says(eve, /^Eve's own answer/);
      assert.equal(ada.messages().length, before, "all of Ada's still wait");
      gate.resolve();
      await ada.waitFor((all) => all.length === before + 100, 60_000);
    });

    await t.step("nor does one who asks in thirty groups at once and fills all calls", async () => {
      const eve = await withSample(world, "en");
      const gates = Array.from({ length: CONCURRENCY }, () => Promise.withResolvers<void>());
      for (const gate of gates) gemini.next(gated(gate.promise));
      const before = gemini.calls.length;
      for (let n = 1; n <= 30; n++) askInGroup(world, ada, n, `How deep is bay number ${n}?`);
      while (gemini.calls.length < before + CONCURRENCY) await gemini.called();
      eve.sendText("Who built the stairs of the tower?");
      await waitsAtAi(world, eve);
      const next = gemini.called();
      // One of Ada's ends while Eve's and, before it, 28 of hers wait.
      gates[0]?.resolve();
      assert.match((await next).user, /Who built the stairs/);
      for (const gate of gates) gate.resolve();
      await says(eve, /\[p\. \d+\]$|not in the document/);
    });
  },
});

Deno.test("a stop that reaches another replica ends the answer all the same", async () => {
  const cache = new Map<string, string>();
  const ask = ((type: string, { key, value }: { key: string; value: string }) => {
    if (type === "cache.set") cache.set(key, value);
    return Promise.resolve(cache.get(key));
  }) as never;
  const [here, there] = [createStops({ ask }), createStops({ ask })];
  using other = here.begin(5, 8);
  using answer = here.begin(5, 7);
  other.watch();
  answer.watch();
  const stopped = new Promise((resolve) => answer.signal.addEventListener("abort", resolve));
  await there.stop(5, 7, new AbortController().signal);
  await stopped;
  assert.equal(other.signal.aborted, false);
});

/** A model that writes a beginning, and the rest when the gate opens. */
function gated(gate: Promise<void>): GeminiReply {
  return {
    kind: "answer",
    chunks: ["The keeper lights the lamp ", "and notes the weather."],
    gate,
  };
}

/** Has a question asked, and its answer begun; without a gate it never ends by itself. */
async function begin(
  gemini: GeminiServer,
  world: World,
  user: DemoUser,
  question: string,
  gate = Promise.withResolvers<void>().promise,
) {
  gemini.next(gated(gate));
  const called = gemini.called();
  const shown = draftOf(world, user);
  user.sendText(question);
  return { call: await called, draft: await shown };
}

function draftOf({ server }: World, { id }: DemoUser): Promise<Record<string, unknown>> {
  return server.called(({ method, payload }) =>
    method === "sendRichMessageDraft" && payload.chat_id === id
  ).then(({ payload }) => payload);
}

/** Until a question of `user` waits for its turn at the AI, behind all that came before. */
async function waitsAtAi({ running }: World, user: DemoUser): Promise<void> {
  const ai = running.system.get("ai");
  assert.ok(ai !== undefined);
  const waiting = ({ context }: { context: { waiting: readonly { userId: number }[] } }) =>
    context.waiting.filter(({ userId }) => userId !== user.id).length === 28 &&
    context.waiting.some(({ userId }) => userId === user.id);
  await waitFor(ai, waiting, { timeout: 10_000 });
}

function askInGroup({ server }: World, { id }: DemoUser, n: number, text: string): void {
  server.deliver({
    update_id: 2 ** 30 + n,
    message: {
      message_id: n,
      date: 0,
      chat: { id: -n, type: "group", title: "Group" },
      from: { id, is_bot: false, first_name: "Ada", language_code: "en" },
      text: `@demo_bot ${text}`,
    },
  });
}
