/**
 * The embedded database under `kill -9` in the middle of work: each time it
 * opens again with every update that was acknowledged. A few times here, more
 * often by `deno task chaos`.
 */
import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { createDatabase } from "../../lib/db/database.ts";
import { count, type Tear } from "../support/chaos/count.ts";
import { createCrowd } from "../support/chaos/crowd.ts";
import { options } from "../support/chaos/options.ts";
import { seeded } from "../support/chaos/random.ts";
import { startReplica, TOKEN, wait } from "../support/chaos/replica.ts";
import { emptyFolder } from "../support/storage.ts";

const CHATS = 16;
/** More than can be sent: the last kill is the end. */
const UPDATES = 1_000_000;
const WORK_MS = [100, 700] as const;
const SETTLE_MS = 60_000;

Deno.test("killed in the middle of work, the embedded database keeps all that was acknowledged", async () => {
  const { kills, seed } = options;
  const random = seeded(seed);
  const folder = await emptyFolder();
  await using stack = new AsyncDisposableStack();
  stack.use(folder);
  const server = await startBotApiServer({ token: TOKEN });
  stack.defer(() => server.close());
  const replica = stack.use(startReplica({ BOT_API_ROOT: server.url, DATA_DIR: folder.path }));
  await replica.ready();
  const crowd = createCrowd({
    server,
    replicas: [replica],
    random,
    chats: CHATS,
    updates: UPDATES,
    overMs: 0,
  });
  const over = new AbortController();
  const sending = crowd.send(over.signal);
  stack.defer(() => over.abort());
  const tears: Tear[] = [];

  for (let n = 1; n <= kills; n++) {
    await replica.ready();
    await wait(random.between(...WORK_MS), over.signal);
    const { pid } = replica;
    const opened = Promise.withResolvers<void>();
    await replica.kill(() => opened.promise);
    try {
      const states = await storedUpdates(folder.path);
      const missing = crowd.members.flatMap(({ acknowledged, updateIds }) =>
        updateIds.slice(1, acknowledged + 1).filter((id) => !states.has(id))
      );
      assert.deepEqual(missing, [], `after kill ${n} all that was acknowledged is there`);
      const inWork = [...states].filter(([, state]) => state === "active").map(([id]) => id);
      tears.push({ kind: "kill", pid, updateIds: new Set(inWork) });
    } finally {
      opened.resolve();
    }
  }
  await replica.ready();
  over.abort();
  await sending;
  await crowd.answered(SETTLE_MS);
  assert.equal(await replica.stop(), 0, "it stops in order");

  // One that was in hand at too many of the kills is taken for their reason.
  const result = count(crowd, tears, await deadUpdates(folder.path));
  console.log(`${kills} kills, --seed ${seed}:`, { ...crowd.deliveries, ...result });
  assert.ok(result.acknowledged > kills, "it was in the middle of work");
  assert.equal(result.lost, 0, "nothing is lost");
  assert.equal(result.outOfOrder, 0, "each chat keeps its order");
  assert.equal(result.twice.unexplained, 0, "nothing is answered twice without a cause");
  assert.ok(result.dead <= result.other.length, "who is given up is told");
});

/** The updates in the database of a process that is dead, with their states in the queue. */
async function storedUpdates(dataDir: string): Promise<Map<number, string>> {
  const rows = await read(dataDir, (sql) =>
    sql<{ id: string; state: string }[]>`
      select data ->> 'update_id' as id, state from pgboss.job where name = 'updates'`);
  return new Map(rows.map(({ id, state }) => [Number(id), state]));
}

async function deadUpdates(dataDir: string): Promise<Set<number>> {
  const rows = await read(
    dataDir,
    (sql) => sql<{ id: number }[]>`select update_id::int as id from dead_letters`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Reads in the database of a process that is gone. */
async function read<T>(dataDir: string, query: (sql: Sql) => PromiseLike<T>): Promise<T> {
  const database = createDatabase({ directory: `${dataDir}/database` });
  try {
    await database.connect();
    return await query(database.sql);
  } finally {
    await database.close();
  }
}
