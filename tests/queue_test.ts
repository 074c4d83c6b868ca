/** The durable queue on both kinds of storage: once, in order, taken over, given up. */
import assert from "node:assert/strict";
import { createDatabase } from "../lib/db/database.ts";
import { listDead } from "../lib/telegram/dead_letters.ts";
import { MAX_DEATHS, MAX_TRIES, MAX_WAITS } from "../lib/telegram/patience.ts";
import { chatKey } from "../lib/telegram/queued_update.ts";
import { hurry } from "../lib/telegram/tries.ts";
import {
  createUpdateQueue,
  type StoredUpdate,
  type UpdateQueue,
} from "../lib/telegram/update_queue.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./support/storage.ts";

/** A silence of 4 s, a look a second at it, a first pause of two, and a slow machine. */
const TAKE_OVER_MS = 10_000;

const never = new AbortController().signal;
let nextId = 1;
const message = (chat: number, update_id = nextId++) => ({
  update_id,
  message: { chat: { id: chat }, from: { id: chat } },
});
const ids = (taken: readonly StoredUpdate[]) => taken.map(({ update }) => update.update_id);

/** Takes and completes until nothing is left; gives the order. */
async function drain(queue: UpdateQueue): Promise<number[]> {
  const order: number[] = [];
  for (;;) {
    const taken = await queue.take(10, never);
    if (taken.length === 0) return order;
    for (const stored of taken) {
      order.push(stored.update.update_id);
      await queue.complete(stored);
    }
  }
}

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test({
    name: `the queue of updates (${kind})`,
    ignore: kind === "postgres" && missingServices !== undefined,
    async fn(t) {
      await using folder = await emptyFolder();
      await using services = kind === "postgres" ? await emptyDatabase() : undefined;
      const database = createDatabase({ url: services?.url, directory: folder.path });
      await database.connect();
      await database.migrate();
      const open = async () => {
        const queue = createUpdateQueue({ kind, sql: () => database.sql, botId: 42 });
        await queue.open();
        return queue;
      };
      const queue = await open();
      const successor = async () => {
        const other = kind === "pglite" ? await open() : queue;
        const end = async () => {
          if (other !== queue) await other.close();
        };
        return { queue: other, [Symbol.asyncDispose]: end };
      };
      try {
        await t.step(
          "an update that comes twice is stored once, also after it was handled",
          async () => {
            const update = message(1);
            await queue.store([update]);
            await queue.store([update, message(1)]);
            const order = await drain(queue);
            assert.deepEqual(order, [update.update_id, update.update_id + 1]);
            await queue.store([update]);
            assert.deepEqual(await drain(queue), []);
          },
        );

        await t.step(
          "a chat's order is Telegram's, whatever the database's clock says",
          async () => {
            const [first, second] = [message(1), message(1)];
            await queue.store([second]);
            await queue.store([first]);
            // None waits for a time to come, and none is deleted before its time.
            const [row] = await database.sql<[{ waits: boolean; isKept: boolean }]>`
            select bool_or(start_after > now() - interval '1 day') as waits,
              bool_and(keep_until > now() + interval '1 day') as "isKept"
            from pgboss.job where state = 'created'`;
            assert.deepEqual(row, { waits: false, isKept: true });
            assert.deepEqual(await drain(queue), [first.update_id, second.update_id]);
          },
        );

        await t.step(
          "a chat's updates are taken one at a time, in order, chats side by side",
          async () => {
            const first = [message(1), message(2), message(1), message(2)];
            await queue.store(first);
            const taken = await queue.take(10, never);
            assert.deepEqual(ids(taken), [first[0]?.update_id, first[1]?.update_id]);
            assert.deepEqual(await queue.take(10, never), [], "both chats are at work");
            for (const each of taken.slice(0, 1)) await queue.complete(each);
            const next = await queue.take(10, never);
            assert.deepEqual(ids(next), [first[2]?.update_id]);
            for (const each of [...taken.slice(1), ...next]) await queue.complete(each);
            assert.deepEqual(await drain(queue), [first[3]?.update_id]);
          },
        );

        await t.step(
          "who takes at the same time takes other chats, each in its order",
          async () => {
            const updates = Array.from({ length: 200 }, (_, n) => message(100 + n % 40));
            await queue.store(updates);
            const taken = new Map<number, number[]>();
            const work = async () => {
              while (await queue.size() > 0) {
                for (const stored of await queue.take(10, never)) {
                  const { update: { update_id, message } } = stored;
                  const chat = (message as { chat: { id: number } }).chat.id;
                  taken.set(chat, [...taken.get(chat) ?? [], update_id]);
                  await queue.complete(stored);
                }
              }
            };
            await Promise.all([work(), work(), work(), work()]);
            const sent = Map.groupBy(updates, ({ message }) => message.chat.id);
            assert.equal(taken.size, sent.size);
            for (const [chat, each] of sent) {
              assert.deepEqual(taken.get(chat), each.map(({ update_id }) => update_id));
            }
          },
        );

        await t.step("updates stored in one go keep their order", async () => {
          const updates = Array.from({ length: 60 }, () => message(7));
          await queue.store(updates);
          assert.equal(await queue.size(), 60);
          assert.deepEqual(await drain(queue), updates.map(({ update_id }) => update_id));
          assert.equal(await queue.size(), 0);
        });

        await t.step(
          "what is given back is taken again before what follows in its chat",
          async () => {
            const [failing, following] = [message(8), message(8)];
            await queue.store([failing, following]);
            const [stored] = await queue.take(10, never);
            assert.ok(stored);
            assert.equal(await queue.giveBack(stored, new Error("away")), "later");
            let again: StoredUpdate[] = [];
            while (again.length === 0) again = await queue.take(10, never);
            assert.deepEqual(ids(again), [failing.update_id]);
            assert.equal(again[0]?.retries, 1);
            for (const each of again) await queue.complete(each);
            assert.deepEqual(await drain(queue), [following.update_id]);
          },
        );

        /** What the engine does with updates whose process has died, without its wait. */
        const processDies = () =>
          database.sql`
            update pgboss.job set state = 'retry', start_after = now(), heartbeat_on = null
            where state = 'active'`;
        const skipPauses = () =>
          database.sql`update pgboss.job set start_after = now() where state = 'retry'`;
        const takeOne = async () => {
          const [stored] = await queue.take(10, never);
          assert.ok(stored);
          return stored;
        };

        await t.step(
          "one that fails each time is given up, kept, and its chat goes on",
          async () => {
            const [failing, following] = [message(9), message(9)];
            await queue.store([failing, following]);
            for (let tries = 1; tries < MAX_TRIES; tries++) {
              assert.equal(await queue.giveBack(await takeOne(), new Error("bad")), "later");
              await skipPauses();
            }
            const last = await takeOne();
            assert.equal(await queue.giveBack(last, new Error("bad")), "dead");
            await queue.bury(last, "Error: bad");
            await queue.complete(last);
            assert.deepEqual(await drain(queue), [following.update_id]);
            const [letter, ...others] = await listDead(database.sql, "all");
            assert.deepEqual(others, []);
            assert.deepEqual(letter?.update, failing);
            assert.equal(letter?.chatKey, "9");
            assert.equal(letter?.reason, "Error: bad");
          },
        );

        await t.step("what only waits for others is tried much longer", async () => {
          await queue.store([message(11)]);
          const away = Object.assign(new Error("away"), { name: "DatabaseUnavailableError" });
          for (let tries = 0; tries < MAX_WAITS - 1; tries++) {
            assert.equal(await queue.giveBack(await takeOne(), away), "later", `try ${tries}`);
            await skipPauses();
          }
          const last = await takeOne();
          assert.equal(last.isDead, false);
          assert.equal(await queue.giveBack(last, away), "dead");
          await queue.complete(last);
        });

        await t.step("one that kills its process each time is not handled once more", async () => {
          const [poison, following] = [message(12), message(12)];
          await queue.store([poison, following]);
          for (let tries = 0; tries < MAX_DEATHS; tries++) {
            const stored = await takeOne();
            assert.deepEqual([stored.update.update_id, stored.isDead], [poison.update_id, false]);
            await processDies();
            queue.abandon(stored);
          }
          const dead = await takeOne();
          assert.deepEqual([dead.update.update_id, dead.isDead], [poison.update_id, true]);
          await queue.complete(dead);
          assert.deepEqual(await drain(queue), [following.update_id]);
        });

        await t.step("two that may kill their process are not handled at once", async () => {
          const both = [message(13), message(14)];
          await queue.store(both);
          for (let tries = 0; tries < 2; tries++) {
            const taken = await queue.take(10, never);
            assert.equal(taken.length, 2);
            await processDies();
            for (const each of taken) queue.abandon(each);
          }
          const first = await takeOne();
          await skipPauses();
          assert.deepEqual(await queue.take(10, never), [], "the other is set aside");
          await queue.complete(first);
          await skipPauses();
          const second = await takeOne();
          assert.equal(second.isDead, false, "being set aside does not count as a try");
          await queue.complete(second);
          assert.deepEqual(
            [first, second].map(({ update }) => update.update_id).sort(),
            both.map(({ update_id }) => update_id),
          );
        });

        await t.step("who has lost an update does not complete it", async () => {
          await queue.store([message(17)]);
          const slow = await takeOne();
          await processDies();
          const successor = await takeOne();
          await queue.complete(slow);
          assert.equal(await queue.size(), 1, "it is still in work");
          await queue.complete(successor);
          assert.equal(await queue.size(), 0);
        });

        await t.step(
          "what a process had in work when it died is another's within seconds",
          async () => {
            const dying = await open();
            const [alive, orphan, next] = [message(21), message(22), message(22)];
            await queue.store([alive]);
            const inHand = await takeOne();
            await queue.store([orphan, next]);
            assert.deepEqual(ids(await dying.take(10, never)), [orphan.update_id]);
            // On the embedded database nobody else is alive, but a successor may come.
            if (kind === "pglite") await queue.complete(inHand);
            const begun = performance.now();
            await dying.close();
            await using other = await successor();
            const taken: number[] = [];
            while (taken.length < 2) taken.push(...await drain(other.queue));
            assert.deepEqual(taken, [orphan.update_id, next.update_id]);
            assert.ok(performance.now() - begun < TAKE_OVER_MS);
            await queue.complete(inHand);
            assert.equal(await queue.size(), 0, "who is alive keeps what it has");
          },
        );

        await t.step("a clock that is set back does not keep the dead alive", async () => {
          const dying = await open();
          const orphan = message(23);
          await queue.store([orphan]);
          assert.deepEqual(ids(await dying.take(10, never)), [orphan.update_id]);
          await dying.close();
          await database.sql`
            update pgboss.job set heartbeat_on = heartbeat_on + interval '1 hour'
            where state = 'active'`;
          await using other = await successor();
          const taken: number[] = [];
          while (taken.length < 1) taken.push(...await drain(other.queue));
          assert.deepEqual(taken, [orphan.update_id]);
        });

        await t.step("a clock that is set back puts off no try", async () => {
          const waiting = message(24);
          await queue.store([waiting]);
          const [stored] = await queue.take(10, never);
          assert.ok(stored);
          await queue.giveBack(stored, new Error("it failed"));
          await database.sql`
            update pgboss.job set start_after = start_after + interval '1 hour'
            where state = 'retry'`;
          await hurry(database.sql);
          assert.deepEqual(await drain(queue), [waiting.update_id]);
        });

        await t.step("what was taken for nobody is taken again, and was no try", async () => {
          await queue.store([message(41)]);
          assert.deepEqual(await queue.take(10, AbortSignal.abort()), []);
          let again: StoredUpdate | undefined;
          while (again === undefined) [again] = await queue.take(10, never);
          assert.deepEqual([again.retries, again.waits, again.failures], [0, 0, 0]);
          await queue.complete(again);
        });

        await t.step("a retry that was claimed but not begun has ended no process", async () => {
          await queue.store([message(42)]);
          await queue.giveBack(await takeOne(), new Error("bad"));
          // Claimed by a process that dies before it does anything with it.
          await database.sql`
            update pgboss.job set state = 'active', retry_count = retry_count + 1,
              heartbeat_on = now() - interval '1 minute' where state = 'retry'`;
          let again: StoredUpdate | undefined;
          while (again === undefined) [again] = await queue.take(10, never);
          assert.deepEqual([again.retries, again.waits, again.failures], [2, 1, 1]);
          await queue.complete(again);
          assert.equal(await queue.size(), 0);
        });

        await t.step(
          "a suspect that is set aside has its turn when the other one is over",
          async () => {
            await queue.store([message(43), message(44)]);
            for (let tries = 0; tries < 2; tries++) {
              const taken = await queue.take(10, never);
              await processDies();
              for (const each of taken) queue.abandon(each);
            }
            const first = await takeOne();
            await skipPauses();
            // The first one ends while the second is being taken or set aside.
            const [taken] = await Promise.all([queue.take(10, never), queue.complete(first)]);
            let [second] = taken;
            while (second === undefined) [second] = await queue.take(10, never);
            await queue.complete(second);
            assert.equal(await queue.size(), 0);
          },
        );

        await t.step(
          "what an update has sent is known to its next try, each as often",
          async () => {
            await queue.store([message(31)]);
            const texts: string[] = [];
            const say = ({ sent }: StoredUpdate, text: string) =>
              sent.once(text, () => Promise.resolve(texts.push(text)));
            const first = await takeOne();
            for (const text of ["a", "a", "b"]) await say(first, text);
            await first.sent.flush();
            await say(first, "not noted");
            first.sent.end();
            await processDies();
            queue.abandon(first);
            const second = await takeOne();
            const messageIds = [];
            for (const text of ["a", "b", "a", "a"]) messageIds.push(await say(second, text));
            assert.deepEqual(messageIds, [1, 3, 2, 5]);
            assert.deepEqual(texts, ["a", "a", "b", "not noted", "a"]);
            assert.deepEqual(second.sent.repeats, { avoided: 3, possible: 1 });
            await queue.giveBack(second, new Error("bad"));
            await skipPauses();
            const third = await takeOne();
            await say(third, "c");
            assert.equal(
              third.sent.repeats.possible,
              1,
              "what the first one has sent is not known",
            );
            await queue.complete(third);
          },
        );

        await t.step("a try that ended in order leaves nothing unclear", async () => {
          await queue.store([message(32)]);
          const first = await takeOne();
          await first.sent.once("a", () => Promise.resolve(1));
          await queue.giveBack(first, new Error("bad"));
          await skipPauses();
          const second = await takeOne();
          await second.sent.once("a", () => Promise.reject(new Error("it was sent")));
          await second.sent.once("b", () => Promise.resolve(2));
          assert.deepEqual(second.sent.repeats, { avoided: 1, possible: 0 });
          await queue.complete(second);
        });

        await t.step("a dead letter is handled once more when its operator wants it", async () => {
          const [letter] = await listDead(database.sql, "all");
          assert.ok(letter);
          assert.deepEqual(await queue.revive([letter]), [letter]);
          assert.deepEqual(await listDead(database.sql, "all"), []);
          const again = await takeOne();
          assert.deepEqual([again.update, again.retries], [letter.update, 0]);
          // Its tries begin anew, but a repeated delivery is still known.
          await queue.store([letter.update]);
          await queue.complete(again);
          assert.deepEqual(await drain(queue), []);
        });

        await t.step("text that PostgreSQL cannot keep does not hold up the others", async () => {
          const odd = { ...message(15), note: "a\0b\ud800c" };
          const plain = message(16);
          await queue.store([odd, plain]);
          const taken = await queue.take(10, never);
          assert.deepEqual(ids(taken), [odd.update_id, plain.update_id]);
          assert.equal(taken[0]?.update.note, "a\ufffdb\ufffdc");
          for (const each of taken) await queue.complete(each);
        });

        await t.step("updates that were handled two days ago are forgotten", async () => {
          await database.sql`
            update pgboss.job set completed_on = now() - interval '1 hour' * (46 + n)
            from (select id, row_number() over (order by id) as n from pgboss.job) each
            where job.id = each.id`;
          await database.sql`update pgboss.queue set maintain_on = null where name = 'updates'`;
          const ages = async () =>
            await database.sql<{ old: boolean }[]>`
              select completed_on < now() - interval '2 days' as old from pgboss.job`;
          while ((await ages()).some(({ old }) => old)) {
            await new Promise((go) => setTimeout(go, 50));
          }
          assert.ok(
            (await ages()).length > 0,
            "younger ones are kept, to know repeated deliveries",
          );
        });

        await t.step("what was stored is there for the next process", async () => {
          const update = message(10);
          await queue.store([update]);
          await queue.close();
          const successor = await open();
          try {
            assert.deepEqual(await drain(successor), [update.update_id]);
          } finally {
            await successor.close();
          }
        });
      } finally {
        await queue.close();
        await database.close();
      }
    },
  });
}

Deno.test("the chat decides the order, and the user where an update has no chat", () => {
  const from = { id: 2 };
  assert.equal(chatKey({ update_id: 1, message: { chat: { id: 1 }, from } }), "1");
  assert.equal(
    chatKey({ update_id: 1, callback_query: { from, message: { chat: { id: -5 } } } }),
    "-5",
  );
  assert.equal(chatKey({ update_id: 1, inline_query: { from } }), "2");
  assert.equal(chatKey({ update_id: 1 }), "none");
});
