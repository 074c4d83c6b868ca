/** The bot as a process: what it says when it cannot start, and how it ends. */
import assert from "node:assert/strict";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";

const TOKEN = "4242:secret-part-of-the-token";

Deno.test("without BOT_TOKEN it names the variable and the demo, and exits 78", async () => {
  await using bot = startProcess(["start"], {});
  assert.equal(await bot.exitCode, 78);
  await bot[Symbol.asyncDispose]();
  assert.match(bot.log, /^[^\n]*BOT_TOKEN[^\n]*deno task demo[^\n]*\n$/);
});

Deno.test("every mistake of the configuration is told at once, and it exits 78", async () => {
  await using bot = startProcess(["start"], {
    BOT_TOKEN: TOKEN,
    PORT: "many",
    WEBHOOK_URL: "https://example.org/telegram",
    AI_ATTEMPTS: "-1",
  });
  assert.equal(await bot.exitCode, 78);
  await bot[Symbol.asyncDispose]();
  for (const name of ["PORT", "WEBHOOK_SECRET", "AI_ATTEMPTS"]) assert.match(bot.log, RegExp(name));
});

Deno.test("a plugin of the wrong shape is named with what is missing, and it exits 78", async () => {
  await using folder = await emptyFolder();
  await Deno.writeTextFile(`${folder.path}/bad.ts`, "export default { name: 1 };");
  await using bot = startProcess(["start"], {
    BOT_TOKEN: TOKEN,
    DATA_DIR: folder.path,
    PLUGINS: `${folder.path}/bad.ts`,
  });
  assert.equal(await bot.exitCode, 78);
  await bot[Symbol.asyncDispose]();
  assert.match(bot.log, /bad\.ts[\s\S]*default\.name/);
});

Deno.test("a token that Telegram refuses ends it in order with exit code 1 and the reason", async () => {
  await using folder = await emptyFolder();
  const server = await startBotApiServer({ token: "1:another" });
  try {
    await using bot = startProcess(["start"], {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      PORT: "0",
    });
    assert.equal(await bot.exitCode, 1);
    await bot[Symbol.asyncDispose]();
    assert.match(bot.log, /does not accept the BOT_TOKEN/);
    assert.doesNotMatch(bot.log, /secret-part-of-the-token/);
  } finally {
    await server.close();
  }
});

Deno.test("a token that is revoked while updates come by webhook ends it in order, its update kept", async () => {
  await using folder = await emptyFolder();
  const server = await startBotApiServer({ token: TOKEN });
  try {
    await using bot = startProcess(["start"], {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      WEBHOOK_URL: "http://127.0.0.1:9/telegram",
      WEBHOOK_SECRET: "secret",
      PORT: "0",
    });
    const [, url] = /HTTP: (http:\S+),/.exec(await bot.logged(/HTTP: http/)) ?? [];
    await bot.logged(/Ready in/);
    const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
    server.faults.add({ times: 1_000, kind: { code: 401, description: "Unauthorized" } });
    const response = await fetch(`${url}/telegram`, {
      method: "POST",
      headers: { "content-type": "application/json", "X-Telegram-Bot-Api-Secret-Token": "secret" },
      body: JSON.stringify({
        update_id: 1,
        message: {
          message_id: 1,
          date: 1,
          chat: { id: ada.id, type: "private", first_name: "Ada" },
          from: { id: ada.id, is_bot: false, first_name: "Ada" },
          text: "/start",
        },
      }),
    });
    assert.equal(response.status, 200);
    await response.body?.cancel();
    assert.equal(await bot.exitCode, 1);
    assert.match(bot.log, /does not accept the BOT_TOKEN: is it right, or revoked\?/);
    assert.doesNotMatch(bot.log, /secret-part-of-the-token/);

    // The same bot's new token.
    server.faults.clear();
    await using next = startProcess(["start"], {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      PORT: "0",
    });
    await next.logged(/Ready in/);
    await ada.waitFor((all) => /I answer questions/.test(all.at(-1)?.text ?? ""), 30_000);
  } finally {
    await server.close();
  }
});

Deno.test("a second process on the same embedded database is refused with what to do", async () => {
  await using folder = await emptyFolder();
  const server = await startBotApiServer({ token: TOKEN });
  const env = { BOT_TOKEN: TOKEN, BOT_API_ROOT: server.url, DATA_DIR: folder.path, PORT: "0" };
  try {
    await using first = startProcess(["start"], env);
    await first.logged(/Ready in \d+ ms/);
    await using second = startProcess(["start"], env);
    assert.equal(await second.exitCode, 1);
    await second[Symbol.asyncDispose]();
    assert.match(second.log, /another process uses it.*DATA_DIR.*DATABASE_URL/);
    first.kill("SIGTERM");
    assert.equal(await first.exitCode, 0);
  } finally {
    await server.close();
  }
});

Deno.test({
  name: "start-up is told in numbered steps, and SIGTERM lets an answer out and exits 0",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    await using gemini = await startGeminiServer();
    const server = await startBotApiServer({ token: TOKEN });
    try {
      await using bot = startProcess(["start"], {
        BOT_TOKEN: TOKEN,
        BOT_API_ROOT: server.url,
        DATA_DIR: folder.path,
        DATABASE_URL: services.url,
        REDIS_URL: services.redisUrl,
        GEMINI_API_KEY: "k",
        GEMINI_BASE_URL: gemini.url,
        PORT: "0",
      });
      await bot.logged(/\[1\/8\] Metrics: /);
      await bot.logged(/\[2\/8\] Database: PostgreSQL \d+\.\d+, \d+ migrations applied, \d+ ms/);
      await bot.logged(/\[3\/8\] Cache: Redis \d/);
      await bot.logged(/\[8\/8\] Telegram: @demo_bot, polling, \d+ ms/);
      await bot.logged(/Health: healthy/);
      await bot.logged(/Ready in \d+ ms/);

      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      ada.sendFile(await sampleFile("en"));
      await ada.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
      const gate = Promise.withResolvers<void>();
      gemini.next({
        kind: "answer",
        chunks: ["Three months' notice ", "[p. 4]."],
        gate: gate.promise,
      });
      const called = gemini.called();
      ada.sendText("What notice period applies to an engagement?");
      await called;
      bot.kill("SIGTERM");
      await bot.logged(/Stopping/);
      gate.resolve();
      await ada.waitFor((all) => /Three months' notice \[p\. 4\]/.test(all.at(-1)?.text ?? ""));
      assert.equal(await bot.exitCode, 0);
      await bot[Symbol.asyncDispose]();
      assert.match(bot.log, /Stopped in order/);
    } finally {
      await server.close();
    }
  },
});

Deno.test("a second signal ends it at once with exit code 130", async () => {
  await using folder = await emptyFolder();
  await using gemini = await startGeminiServer();
  const server = await startBotApiServer({ token: TOKEN });
  try {
    await using bot = startProcess(["start"], {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      PORT: "0",
    });
    await bot.logged(/Ready in/);
    const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
    ada.sendFile(await sampleFile("en"));
    await ada.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
    gemini.next({ kind: "hang" });
    const called = gemini.called();
    ada.sendText("What notice period applies to an engagement?");
    await called;
    bot.kill("SIGINT");
    await bot.logged(/Stopping/);
    bot.kill("SIGINT");
    assert.equal(await bot.exitCode, 130);
  } finally {
    await server.close();
  }
});
