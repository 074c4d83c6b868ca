/** What was sent before a crash is not sent again after it. */
import assert from "node:assert/strict";
import { createDatabase } from "../../lib/db/database.ts";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";

const TOKEN = "4242:secret-part-of-the-token";
const PLUGIN = new URL("../support/two_messages.ts", import.meta.url).pathname;

Deno.test({
  name: "killed between two messages of an answer, the bot sends the second alone",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const server = await startBotApiServer({ token: TOKEN });
    const start = () =>
      startProcess(["start"], {
        BOT_TOKEN: TOKEN,
        BOT_API_ROOT: server.url,
        DATA_DIR: folder.path,
        DATABASE_URL: services.url,
        REDIS_URL: services.redisUrl,
        PLUGINS: PLUGIN,
        PORT: "0",
      });
    try {
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      const answers = () =>
        ada.messages().filter(({ from }) => from === "bot").map(({ text }) => text);
      {
        await using first = start();
        await first.logged(/Ready in/);
        ada.sendText("twice");
        await noted(services.url);
        first.kill("SIGKILL");
        await first.exitCode;
      }
      assert.deepEqual(answers(), ["first"]);
      await using second = start();
      await ada.waitFor((all) => all.at(-1)?.text === "second", 30_000);
      assert.deepEqual(answers(), ["first", "second"]);
      const [, url] = /HTTP: (http:\S+),/.exec(await second.logged(/HTTP: http/)) ?? [];
      // The update is counted once it is completed, just after its last message.
      let counters: Record<string, number> = {};
      const repeated = (outcome: string) => counters[`replies.repeated:outcome=${outcome}`];
      const until = performance.now() + 10_000;
      while (repeated("possible") === undefined && performance.now() < until) {
        ({ counters } = await (await fetch(`${url}/api/metrics`)).json());
      }
      assert.equal(repeated("avoided"), 1);
      assert.equal(repeated("possible"), 1, "the second may have been sent as well");
    } finally {
      await server.close();
    }
  },
});

/** Resolves once a message is noted as sent. */
async function noted(url: string): Promise<void> {
  const database = createDatabase({ url, directory: "" });
  await database.connect();
  try {
    while ((await database.sql`select 1 from sent_messages`).length === 0);
  } finally {
    await database.close();
  }
}
