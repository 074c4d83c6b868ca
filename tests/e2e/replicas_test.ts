/** Two bots as processes of their own on one PostgreSQL: one polls, the other takes over. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { LOOK_MS } from "../../actors/bot.ts";
import { createDatabase } from "../../lib/db/database.ts";
import { type BotApiServer, startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { createUpdateQueue } from "../../lib/telegram/update_queue.ts";
import { createWakeUps } from "../../lib/telegram/wake_ups.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { type BotProcess, startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices, type Services } from "../support/storage.ts";
import { startWorld } from "../support/world.ts";

const TOKEN = "4242:secret-part-of-the-token";
/** A lease of 4 s, a look a second at it, and a slow machine. */
const TAKE_OVER_MS = 8_000;

/** Asks for Telegram's health until it is told so; a report may be a second old. */
async function healthBecomes(
  bot: BotProcess,
  wanted: RegExp,
): Promise<{ status: string; mode: string }> {
  const [, url] = /HTTP: (http:\S+),/.exec(await bot.logged(/HTTP: http/)) ?? [];
  const until = performance.now() + 10_000;
  for (;;) {
    const { telegram } = (await (await fetch(`${url}/health`)).json()).services;
    if (wanted.test(telegram.message)) return telegram;
    assert.ok(performance.now() < until, `health says: ${telegram.message}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function intakeOf(bot: BotProcess): Promise<string> {
  const [, url] = /HTTP: (http:\S+),/.exec(await bot.logged(/HTTP: http/)) ?? [];
  const response = await fetch(`${url}/api/actors`);
  const actors: { name: string; state: string }[] = await response.json();
  return actors.find(({ name }) => name === "bot")?.state ?? "";
}

/** Waits until every stored update is completed, not only answered. */
async function allCompleted(url: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    while ((await sql`select 1 from pgboss.job where state < 'completed'`).length > 0);
  } finally {
    await sql.end();
  }
}

function startReplica(server: BotApiServer, services: Services, folder: string): BotProcess {
  return startProcess(["start"], {
    BOT_TOKEN: TOKEN,
    BOT_API_ROOT: server.url,
    DATA_DIR: folder,
    DATABASE_URL: services.url,
    REDIS_URL: services.redisUrl,
    PORT: "0",
  });
}

Deno.test({
  name: "one of two replicas polls, and the other takes over when it is killed or stops",
  ignore: missingServices !== undefined,
  async fn(t) {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const server = await startBotApiServer({ token: TOKEN });
    try {
      await using first = startReplica(server, services, `${folder.path}/1`);
      await first.logged(/Ready in/);
      await first.logged(/This replica leads/);
      await using second = startReplica(server, services, `${folder.path}/2`);
      await second.logged(/Ready in/);
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      const answered = (count: number) =>
        ada.waitFor((all) => all.filter(({ from }) => from === "bot").length === count);

      await t.step("health and the actors tell who polls", async () => {
        const { status, mode } = await healthBecomes(first, /^signed in, polling$/);
        assert.deepEqual([status, mode], ["healthy", "polling"]);
        await healthBecomes(second, /standing by/);
        assert.match(await intakeOf(first), /^running\.intake\.polling/);
        assert.match(await intakeOf(second), /^running\.intake\.standingBy/);
        ada.sendText("/start");
        await answered(1);
        assert.doesNotMatch(first.log + second.log, /another program polls/);
      });

      await t.step("killed, it is replaced within seconds, and nothing is lost", async () => {
        await allCompleted(services.url);
        first.kill("SIGKILL");
        await first.exitCode;
        const begun = performance.now();
        ada.sendText("/start");
        await second.logged(/This replica leads/);
        await answered(2);
        assert.ok(performance.now() - begun < TAKE_OVER_MS);
      });

      await t.step("stopped in order, it hands over at once", async () => {
        await using third = startReplica(server, services, `${folder.path}/3`);
        await third.logged(/Ready in/);
        assert.match(await intakeOf(third), /standingBy/);
        await allCompleted(services.url);
        second.kill("SIGTERM");
        await third.logged(/This replica leads/);
        ada.sendText("/start");
        await answered(3);
        assert.equal(await second.exitCode, 0);
      });
    } finally {
      await server.close();
    }
  },
});

Deno.test({
  name: "another poller or a webhook is told in health, and polling goes on when it is gone",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const server = await startBotApiServer({ token: TOKEN });
    try {
      await using bot = startReplica(server, services, folder.path);
      await bot.logged(/Ready in/);
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      server.faults.add({
        method: "getUpdates",
        times: 3,
        kind: { code: 409, description: "Conflict: terminated by other getUpdates request" },
      });
      ada.sendText("/start");
      await bot.logged(/Cannot poll.*another program polls.*webhook/);
      const { status } = await healthBecomes(bot, /another program/);
      assert.equal(status, "degraded");
      ada.sendText("/help");
      await ada.waitFor((all) => all.filter(({ from }) => from === "bot").length === 2, 20_000);
      await healthBecomes(bot, /^signed in, polling$/);
    } finally {
      await server.close();
    }
  },
});

Deno.test({
  name: "replicas wake each other: for what waits when one stops, and at once",
  ignore: missingServices !== undefined,
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld("services", {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
    });
    const { database: { url }, dataDir } = world.config;
    // Another replica, as far as it stores, wakes and is woken.
    const database = createDatabase({ url, directory: dataDir });
    await database.connect();
    const wakeUps = createWakeUps(() => database.sql);
    const queue = createUpdateQueue({ kind: "postgres", sql: () => database.sql, botId: 4242 });
    await queue.open();
    try {
      await t.step("what another has stored is handled long before the next look", async () => {
        const ada = world.user();
        const chat = { id: ada.id, type: "private", first_name: "Ada" };
        const from = { id: ada.id, is_bot: false, first_name: "Ada" };
        const waited: number[] = [];
        for (let n = 1; n <= 9; n++) {
          const begun = performance.now();
          const message = { message_id: 9_000 + n, date: 1, chat, from, text: "/clear" };
          await queue.store([{ update_id: n, message }]);
          wakeUps.rouse();
          await ada.waitFor((all) => all.filter((each) => each.from === "bot").length === n);
          waited.push(performance.now() - begun);
        }
        const median = waited.sort((a, b) => a - b)[4] ?? Infinity;
        assert.ok(median < LOOK_MS / 4, `median of ${median} ms`);
      });

      await t.step("a bot that stops wakes the others when it leaves a chat", async () => {
        const boris = world.user();
        boris.sendFile(await sampleFile("en"));
        await boris.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
        const gate = Promise.withResolvers<void>();
        gemini.next({ kind: "answer", chunks: ["Three months [p. 4]."], gate: gate.promise });
        const called = gemini.called();
        boris.sendText("What notice period applies to an engagement?");
        await called;
        const woken = Promise.withResolvers<void>();
        const end = wakeUps.listen(woken.resolve);
        await listening(database.sql, 2);
        const stopped = world.stop();
        gate.resolve();
        await woken.promise;
        end();
        assert.deepEqual(await stopped, {});
      });
    } finally {
      await queue.close();
      await database.close();
    }
  },
});

/** Waits until so many connections listen. */
async function listening(sql: postgres.Sql, count: number): Promise<void> {
  const listeners = () =>
    sql`
      select 1 from pg_stat_activity
      where datname = current_database() and query ilike 'listen %' and state = 'idle'`;
  while ((await listeners()).length < count);
}
