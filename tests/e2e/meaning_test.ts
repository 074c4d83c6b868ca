/** The whole bot with a model that embeds: what is found by meaning, and the embedding's bad days. */
import assert from "node:assert/strict";
import { ask } from "../../lib/ask.ts";
import { says, sendText } from "../support/chat.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld, type Storage, type World } from "../support/world.ts";

/** No word of the first question stands in the passage that answers it. */
const RULE = "Keeping any hound within the flat is prohibited without written consent.";
const QUESTION = "Pets forbidden?";
const FILLER = Array.from(
  { length: 300 },
  (_, n) => `Clause ${n}: the boiler number ${n} gets inspected every spring.`.repeat(12),
);
/** Longer than goes into a prompt whole. */
const LEASE = [...FILLER.slice(0, 150), RULE, ...FILLER.slice(150)].join("\n\n");

for (const storage of ["embedded", "services"] satisfies Storage[]) {
  Deno.test({
    name: `search by meaning (${storage})`,
    ignore: storage === "services" && missingServices !== undefined,
    async fn(t) {
      await using gemini = await startGeminiServer();
      await using world = await startWorld(storage, {
        GEMINI_API_KEY: "k",
        GEMINI_BASE_URL: gemini.url,
        CONTEXT_TOKENS: "1000",
      });
      const ada = world.user();

      await t.step("a document is ready before its vectors are there", async () => {
        gemini.embedding.next({ kind: "error", status: 503, message: "Overloaded." });
        sendText(ada, "lease.txt", LEASE);
        await says(ada, /is ready/);
        await embedded(world);
      });

      await t.step("a question finds what says the same in other words", async () => {
        ada.sendText(QUESTION);
        await says(ada, /./);
        assert.match(gemini.calls.at(-1)?.user ?? "", /hound/);
      });
    },
  });
}

/** Waits until no document lacks its vectors. */
async function embedded({ running: { system } }: World): Promise<void> {
  const model = "gemini/gemini-embedding-001";
  while (await ask(system, "db.countUnembedded", { model }) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
