/** More at once than the bot can take, as Telegram itself never sends it: some waits, nothing stands still. */
import assert from "node:assert/strict";
import { startOurs } from "../support/load/bots.ts";
import { startLoadTelegram } from "../support/load/telegram.ts";
import { emptyFolder } from "../support/storage.ts";

const CONNECTIONS = 2_000;
/** As long as Telegram would wait at the most, and much longer than a busy machine needs. */
const PATIENCE_MS = 60_000;

Deno.test("of 2,000 deliveries at once some are put off in words, and all are answered", async () => {
  await using telegram = startLoadTelegram();
  await using folder = await emptyFolder();
  await using bot = await startOurs(telegram.url, { DATA_DIR: folder.path });
  const { ms, refused, unasked, slowest, latencies } = await telegram.flood({
    hosts: [bot.host],
    connections: CONNECTIONS,
    chats: CONNECTIONS,
    updates: CONNECTIONS,
  });
  console.log({ ms: Math.round(ms), refused, slowest: Math.round(slowest) });
  assert.equal(latencies.length, CONNECTIONS, "each is answered");
  assert.ok(refused > 0, "this is more than can be taken at once");
  assert.equal(unasked, 0, "each refusal says when to try again");
  assert.ok(slowest < PATIENCE_MS / 6, "nobody is left without an answer");
  assert.ok(ms < PATIENCE_MS, "in the end all are through");
});
