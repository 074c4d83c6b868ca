/** Memory under load: nothing is left behind by an update or a chat. An hour of it: `deno task bench --only memory`. */
import assert from "node:assert/strict";
import { startOurs } from "../support/load/bots.ts";
import { COLLECTABLE, memoryOf, slope, textOf } from "../support/load/memory.ts";
import { startLoadTelegram } from "../support/load/telegram.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";

const ROUNDS = 6;
/** Each of another chat, in each round. */
const CHATS = 1_000;
/** In the first rounds code is compiled, and what is bounded fills. */
const WARM_UP_ROUNDS = 2;
/** A Map with one number for each chat would already take more. */
const MAX_BYTES_AN_UPDATE = 300;

Deno.test({
  name: "what updates need of memory is free again after them",
  ignore: missingServices !== undefined,
  async fn() {
    await using telegram = startLoadTelegram();
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    await using bot = await startOurs(telegram.url, {
      DATA_DIR: folder.path,
      DATABASE_URL: services.url,
      REDIS_URL: services.redisUrl,
      ...COLLECTABLE,
    });
    const heaps: number[] = [];
    for (let n = 0; n < ROUNDS + WARM_UP_ROUNDS; n++) {
      await telegram.flood({
        hosts: [bot.host],
        connections: 50,
        chats: CHATS,
        updates: CHATS,
        text: textOf,
      });
      if (n >= WARM_UP_ROUNDS) heaps.push((await memoryOf(telegram, bot)).heap);
    }
    const bytes = slope(heaps) * 2 ** 20 / CHATS;
    console.log({ heaps, bytes });
    assert.ok(bytes < MAX_BYTES_AN_UPDATE, `${bytes} bytes an update`);
  },
});
