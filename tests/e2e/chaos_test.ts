/**
 * Nothing is lost, whatever breaks: three replicas on one PostgreSQL and one
 * Redis, killed and cut off by chance while people write. A short run here; a
 * long one by `deno task chaos`, with the arguments of `support/chaos/options.ts`.
 */
import assert from "node:assert/strict";
import { startServer } from "../support/bot_api.ts";
import { count } from "../support/chaos/count.ts";
import { createCrowd } from "../support/chaos/crowd.ts";
import { createBreaker } from "../support/chaos/faults.ts";
import { type Fleet, startFleet } from "../support/chaos/fleet.ts";
import { historyOf, noteHistory, takenFromTheSilent } from "../support/chaos/history.ts";
import { options } from "../support/chaos/options.ts";
import { seeded } from "../support/chaos/random.ts";
import type { Replica } from "../support/chaos/replica.ts";
import { missingServices } from "../support/storage.ts";

const REPLICAS = 3;
/** A dead replica's work is taken over within this, so that something is answered. */
const SETTLE_MS = 60_000;

const { minutes, updates, chats, seed, logs } = options;

Deno.test({
  name: "three replicas, killed and cut off by chance, lose nothing and keep each chat's order",
  ignore: missingServices !== undefined,
  async fn() {
    console.log(`${updates} updates in ${chats} chats over ${minutes} min, --seed ${seed}`);
    await using fleet = await startFleet(REPLICAS);
    const { server, replicas } = fleet;
    await noteHistory(fleet.sql);
    const overMs = minutes * 60_000;
    const crowd = createCrowd({ server, replicas, random: seeded(seed), chats, updates, overMs });
    const breaker = createBreaker({ ...fleet, faults: server.faults, random: seeded(seed + 1) });
    const begun = performance.now();
    // A slow machine sends for longer, but does not break more.
    using calm = after(overMs);
    const breaking = breaker.run(calm.signal);
    using late = after(overMs + 2 * SETTLE_MS);
    await crowd.send(late.signal);
    await breaking;
    const sent = performance.now();
    await crowd.answered(SETTLE_MS);
    const settled = performance.now();

    const silence = { kind: "silence", updateIds: await takenFromTheSilent(fleet.sql) } as const;
    const result = count(crowd, [...breaker.tears, silence]);
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    console.log(
      `Sent in ${seconds(sent - begun)}, answered ${seconds(settled - sent)} later:`,
      { ...crowd.deliveries, faults: breaker.done, ...result },
    );
    if (result.lost > 0) await tellWhatWaits(fleet);
    for (const { updateId } of result.mysteries) {
      console.log(await historyOf(fleet.sql, updateId));
    }
    if (logs !== undefined) await keepLogs(logs, replicas);
    assert.equal(result.acknowledged, Math.ceil(updates / chats) * chats, "all were taken");
    assert.equal(result.lost, 0, "nothing is lost");
    assert.equal(result.outOfOrder, 0, "each chat keeps its order");
    assert.deepEqual(result.other, [], "nobody is told of a failure");
    assert.equal(result.twice.unexplained, 0, "nothing is answered twice without a cause");
    const codes = await Promise.all(replicas.map((replica) => replica.stop()));
    assert.deepEqual(codes, replicas.map(() => 0), "all of them stop in order");
  },
});

Deno.test("the count sees what is lost, out of order, answered twice, and why", async () => {
  await using bot = await startServer();
  const user = bot.user;
  const answers = [[1, 8], [3, 8], [2, 8], [4, 8], [4, 9], [5, 8], [5, 9], ["Sorry", 8]];
  for (const [text, pid] of answers) {
    const reply_markup = { inline_keyboard: [[{ text: "by", callback_data: String(pid) }]] };
    await bot.call("sendMessage", { text: String(text), reply_markup });
  }
  const member = { user, acknowledged: 6, updateIds: [0, 11, 12, 13, 14, 15, 16] };
  const tears = [{ kind: "kill", updateIds: new Set([14, 15]), pid: 8 }] as const;
  assert.deepEqual(count({ members: [member] }, tears), {
    acknowledged: 6,
    lost: 1,
    dead: 0,
    outOfOrder: 1,
    other: ["Sorry"],
    twice: { kill: 2, telegram: 0, database: 0, silence: 0, unexplained: 0 },
    mysteries: [],
  });
  const { lost, dead } = count({ members: [member] }, tears, new Set([16, 12]));
  assert.deepEqual({ lost, dead }, { lost: 0, dead: 1 });
  const another = [{ ...tears[0], pid: 7 }, {
    kind: "database",
    updateIds: new Set([15]),
  }] as const;
  const { mysteries, twice } = count({ members: [member] }, another);
  assert.deepEqual(twice, { kill: 0, telegram: 0, database: 1, silence: 0, unexplained: 1 });
  assert.deepEqual(mysteries, [{ updateId: 14, pids: [8, 9] }]);
});

/** A signal that aborts then, and whose timer does not outlive the test. */
function after(ms: number): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What an operator would look at. */
async function tellWhatWaits({ sql, replicas }: Fleet): Promise<void> {
  console.log(
    await sql`
      select state, count(*)::int, max(retry_count), min(start_after - now())::text as "startsIn",
        min(now() - heartbeat_on)::text as "heartbeatBefore", max(output ->> 'error') as error
      from pgboss.job where name = 'updates' and state <> 'completed' group by state`,
  );
  for (const replica of replicas) console.log(replica.pid, await replica.actors());
}

async function keepLogs(folder: string, replicas: readonly Replica[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [n, { log }] of replicas.entries()) {
    await Deno.writeTextFile(`${folder}/replica-${n}.log`, log);
  }
}
