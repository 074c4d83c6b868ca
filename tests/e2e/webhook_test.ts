/** Updates by webhook, and what operators read over HTTP. */
import assert from "node:assert/strict";
import { anyStorage, startWorld, TOKEN } from "../support/world.ts";

const SECRET = "a-secret_of-the-webhook";

/** A free port of this machine; the webhook's address must be known before the bot starts. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.test({
  name: "the bot by webhook",
  async fn(t) {
    const port = freePort();
    const root = `http://127.0.0.1:${port}`;
    await using world = await startWorld(anyStorage, {
      PORT: String(port),
      WEBHOOK_URL: `${root}/telegram`,
      WEBHOOK_SECRET: SECRET,
      HTTP_TOKEN: "operator",
      USER_RATE_PER_MIN: "2",
    });
    const ada = world.user("en");
    const post = async (body: unknown, secret?: string) => {
      const headers = new Headers({ "content-type": "application/json" });
      if (secret !== undefined) headers.set("X-Telegram-Bot-Api-Secret-Token", secret);
      const response = await fetch(`${root}/telegram`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      await response.body?.cancel();
      return response.status;
    };

    await t.step("it answers what Telegram delivers", async () => {
      ada.sendText("/start");
      await ada.waitFor((all) => all.at(-1)?.from === "bot");
    });

    await t.step("a delivery without the secret, or without sense, is not taken", async () => {
      assert.equal(await post({ update_id: 1 }), 401);
      assert.equal(await post({ update_id: 1 }, "wrong"), 401);
      assert.equal(await post({ hello: 1 }, SECRET), 400);
    });

    await t.step("the same delivery twice is answered once", async () => {
      const update = {
        update_id: 999_999,
        message: {
          message_id: 5_000,
          date: 1,
          chat: { id: ada.id, type: "private", first_name: "Ada" },
          from: { id: ada.id, is_bot: false, first_name: "Ada" },
          text: "/stats",
        },
      };
      assert.deepEqual([await post(update, SECRET), await post(update, SECRET)], [200, 200]);
      ada.sendText("/clear");
      await ada.waitFor((all) => /nothing to forget/.test(all.at(-1)?.text ?? ""));
      assert.equal(ada.messages().filter(({ text }) => /So far/.test(text)).length, 1);
      assert.equal(await post(update, SECRET), 200);
      ada.sendText("/clear");
      await ada.waitFor((all) =>
        all.filter(({ text }) => /nothing to forget/.test(text)).length === 2
      );
      assert.equal(ada.messages().filter(({ text }) => /So far/.test(text)).length, 1);
    });

    await t.step("a user who asks faster than allowed is told so in words", async () => {
      const bytes = new TextEncoder().encode("The walrus sleeps at noon.");
      ada.sendFile({ name: "walrus.txt", bytes, mimeType: "text/plain" });
      await ada.waitFor((all) => /is ready/.test(all.at(-1)?.text ?? ""));
      for (const question of ["When does the walrus sleep?", "Who sleeps at noon?"]) {
        ada.sendText(question);
        await ada.waitFor((all) => /part 1/.test(all.at(-1)?.text ?? ""));
      }
      ada.sendText("And who else?");
      await ada.waitFor((all) => /asked 2 questions within a minute/.test(all.at(-1)?.text ?? ""));
    });

    await t.step("health has the shape that monitors rely on", async () => {
      const response = await fetch(`${root}/health`);
      assert.equal(response.status, 200);
      const health = await response.json();
      assert.equal(health.status, "healthy");
      assert.deepEqual(Object.keys(health).sort(), [
        "history",
        "services",
        "status",
        "system",
        "timestamp",
      ]);
      const { database, redis, ai_service, telegram } = health.services;
      const isEmbedded = anyStorage === "embedded";
      assert.equal(database.kind, isEmbedded ? "pglite" : "postgres");
      assert.equal(redis.kind, isEmbedded ? "memory" : "redis");
      assert.equal(ai_service.status, "offline");
      assert.equal(telegram.mode, "webhook");
      for (const key of ["uptime_seconds", "cpu_percent", "memory_percent", "disk_percent"]) {
        assert.equal(typeof health.system[key], "number", key);
      }
    });

    await t.step("liveness and readiness are told apart", async () => {
      for (const path of ["/health/live", "/health/ready"]) {
        const response = await fetch(root + path);
        await response.body?.cancel();
        assert.equal(response.status, 200);
      }
    });

    await t.step("metrics and actors need the operator's token", async () => {
      for (const path of ["/metrics", "/api/metrics", "/api/actors"]) {
        const refused = await fetch(root + path);
        await refused.body?.cancel();
        assert.equal(refused.status, 401);
        const headers = { authorization: "Bearer operator" };
        const response = await fetch(root + path, { headers });
        assert.equal(response.status, 200);
        const text = await response.text();
        assert.doesNotMatch(text, new RegExp(TOKEN.split(":")[1] ?? "-"));
        if (path === "/metrics") assert.match(text, /bot_messages_handled_total\{type="command"\}/);
        if (path === "/api/actors") {
          const names = JSON.parse(text).map(({ name }: { name: string }) => name);
          assert.deepEqual(names, [
            "metrics",
            "db",
            "cache",
            "ai",
            "library",
            "health",
            "http",
            "bot",
          ]);
        }
      }
    });
  },
});
