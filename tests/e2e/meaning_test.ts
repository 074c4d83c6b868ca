/** The whole bot with a model that embeds: what is found by meaning, and the embedding's bad days. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { ask } from "../../lib/ask.ts";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import type { DemoUser } from "../../lib/demo/chats.ts";
import { says, sendText } from "../support/chat.ts";
import { type GeminiServer, quotaUsedUp, startGeminiServer } from "../support/gemini_server.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { startWorld, type Storage, TOKEN, type World } from "../support/world.ts";

const MODEL = "gemini/gemini-embedding-001";
/** No word of the questions about it stands in it. */
const RULE = "Keeping any hound within the flat is prohibited without written consent.";
const CLAUSES = Array.from(
  { length: 220 },
  (_, n) => `Clause ${n}: the boiler number ${n} gets inspected every spring. `.repeat(12),
);
/** Longer than what goes into a prompt whole, and than what is embedded at once. */
const LEASE = [...CLAUSES.slice(0, 150), RULE, ...CLAUSES.slice(150)].join("\n\n");

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
        AI_RETRY_BASE_MS: "10",
        USER_RATE_PER_MIN: "0",
      });
      const ada = world.user();
      /** What the model was asked; the question has been answered then. */
      const promptFor = async (user: DemoUser, question: string) => {
        const called = gemini.called();
        user.sendText(question);
        const { user: prompt } = await called;
        await says(user, /\[part \d+\]/);
        return prompt;
      };

      await t.step("a document gets its vectors once it is ready, after failures too", async () => {
        gemini.embedding.next({ kind: "error", status: 503, message: "Overloaded." });
        sendText(ada, "lease.txt", LEASE);
        await says(ada, /is ready/);
        await embedded(world);
        while ((await world.metrics()).gauges["embeddings.waiting"] !== 0) await turn();
        const { counters } = await world.metrics();
        const passages = counters["embeddings.made"] ?? 0;
        assert.ok(passages > CLAUSES.length / 2, `${passages} passages`);
        assert.equal(textsOf(gemini).length, passages + 100, "the first hundred were sent twice");
        assert.ok((counters["ai.tokens:kind=embedding"] ?? 0) > passages);
      });

      await t.step("a question finds what says the same in other words", async () => {
        assert.match(await promptFor(ada, "Pets forbidden?"), /hound/);
      });

      await t.step("a question in the other language finds it, and asks for no words", async () => {
        const before = gemini.calls.length;
        assert.match(await promptFor(ada, "Нельзя держать собаку?"), /hound/);
        assert.equal(gemini.calls.length, before + 1);
      });

      await t.step("the vector of a question serves whoever asks it again", async () => {
        const before = gemini.embedding.calls.length;
        const eve = world.user();
        sendText(eve, "other.txt", `${RULE} And more of it.\n\n${LEASE}`);
        await says(eve, /is ready/);
        await embedded(world);
        assert.match(await promptFor(eve, "Pets forbidden?"), /hound/);
        const later = gemini.embedding.calls.slice(before);
        assert.ok(later.every(({ task }) => task === "RETRIEVAL_DOCUMENT"));
      });

      const badDays = {
        "a rate limit": { kind: "error", status: 429, message: "Slow down." },
        "an error": { kind: "error", status: 500, message: "Oh." },
        "silence": { kind: "hang" },
        "nonsense": { kind: "raw", body: "<html>" },
        "a used up quota": quotaUsedUp(),
      } as const;
      for (const [n, [what, reply]] of Object.entries(badDays).entries()) {
        await t.step(`with ${what} instead of a vector an answer comes by words`, async () => {
          const before = gemini.embedding.calls.length;
          gemini.embedding.next(reply);
          const begun = performance.now();
          const prompt = await promptFor(ada, `When is boiler number 9${n} inspected?`);
          assert.match(prompt, new RegExp(`boiler number 9${n} `));
          assert.ok(performance.now() - begun < 10_000);
          assert.equal(gemini.embedding.calls.length, before + 1, "asked once");
        });
      }

      await t.step("failures are counted by their reasons", async () => {
        const { counters } = await world.metrics();
        const failed = (kind: string, reason: string) =>
          counters[`embeddings.failed:kind=${kind},reason=${reason}`];
        assert.equal(failed("question", "rate_limit"), 1);
        assert.equal(failed("question", "unavailable"), 2);
        assert.equal(failed("question", "timeout"), 1);
        assert.equal(failed("question", "quota"), 1);
      });
    },
  });
}

Deno.test({
  name: "a restart goes on with the vectors, and another model makes them anew",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    await using gemini = await startGeminiServer();
    const server = await startBotApiServer({ token: TOKEN });
    const sql = postgres(services.url, { max: 1 });
    const env = {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      DATABASE_URL: services.url,
      REDIS_URL: services.redisUrl,
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      PORT: "0",
    };
    /** Waits until all passages have vectors of the model. */
    const complete = async (model: string) => {
      const rows = () =>
        sql`select 1 from documents where embedded_by = ${`gemini/${model}`} and not exists (
          select 1 from passages p where not exists (select 1 from embeddings e
            where e.document_id = p.document_id and e.ordinal = p.ordinal
              and e.model = ${`gemini/${model}`}))`;
      while ((await rows()).length === 0) await turn();
    };
    try {
      const inHand: (readonly string[])[] = [];
      {
        await using bot = startProcess(["start"], env);
        await bot.logged(/\[4\/8\] AI: gemini, .*, search by meaning with gemini-embedding-001/);
        await bot.logged(/Ready in/);
        gemini.embedding.next({ kind: "hang" });
        const called = gemini.embedding.called();
        const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
        sendText(ada, "lease.txt", LEASE);
        await ada.waitFor((all) => /is ready/.test(all.at(-1)?.text ?? ""));
        inHand.push((await called).texts ?? []);
        bot.kill("SIGTERM");
        assert.equal(await bot.exitCode, 0);
      }
      {
        await using bot = startProcess(["start"], env);
        gemini.embedding.next({ kind: "hang" });
        inHand.push((await gemini.embedding.called()).texts ?? []);
        bot.kill("SIGKILL");
        await bot.exitCode;
        // What was claimed by the killed process is free after a while.
        await sql`update documents set embed_after = now()`;
      }
      const before = textsOf(gemini).length;
      {
        await using bot = startProcess(["start"], env);
        await complete("gemini-embedding-001");
        bot.kill("SIGTERM");
        await bot.exitCode;
      }
      assert.deepEqual(inHand[1], inHand[0], "given back at the stop, taken up at the start");
      const passages = (await sql`select 1 from passages`).length;
      assert.equal(textsOf(gemini).length - before, passages, "each passage once");
      {
        await using bot = startProcess(["start"], { ...env, GEMINI_EMBEDDING_MODEL: "another" });
        await complete("another");
        bot.kill("SIGTERM");
        await bot.exitCode;
      }
      const anew = gemini.embedding.calls.filter(({ model }) => model === "another");
      assert.equal(anew.flatMap(({ texts }) => texts ?? []).length, passages);
    } finally {
      await sql.end();
      await server.close();
    }
  },
});

/** All texts of documents that were sent to be embedded. */
function textsOf({ embedding }: GeminiServer): string[] {
  return embedding.calls.filter(({ task }) => task === "RETRIEVAL_DOCUMENT")
    .flatMap(({ texts }) => texts ?? []);
}

/** Waits until no document lacks its vectors. */
async function embedded({ running: { system } }: World): Promise<void> {
  while (await ask(system, "db.countUnembedded", { model: MODEL }) > 0) await turn();
}

/** Lets others have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
