/** The BotActor: signing in, intake that stores before it acknowledges, work in hand, draining. */
import assert from "node:assert/strict";
import { createActor, fromCallback, fromPromise, SimulatedClock } from "xstate";
import {
  botMachine,
  CHORES_MS,
  GATHER_MS,
  LOOK_MS,
  MAX_IN_FLIGHT,
  QUEUE_MS,
} from "../actors/bot.ts";
import type { Ask, IncomingUpdate } from "../actors/protocol.ts";
import { crew } from "../lib/crew.ts";
import { ask, OverloadedError } from "../lib/ask.ts";
import { serving } from "../lib/serve.ts";
import { TelegramConflictError, TelegramRefusedError } from "../lib/telegram/errors.ts";
import { noteSent } from "../lib/telegram/sent_messages.ts";
import type { StoredUpdate } from "../lib/telegram/update_queue.ts";
import { settle } from "./support/machines.ts";

/** The notes of an update that sends nothing. */
function nothingSent(jobId: string) {
  const sql = () => {
    throw new Error("Cannot note what was sent as there is no database here");
  };
  return noteSent({ jobId, sql, earlier: new Map(), isUnclear: false, assertClaimed: () => {} });
}

/** A BotActor over a queue in memory, and polls that the test answers. */
function startBot(mode: "polling" | "webhook" = "polling", { leads = true } = {}) {
  const clock = new SimulatedClock();
  const world = {
    connects: [] as (Error | string)[],
    storeFails: false,
    stored: [] as number[],
    handled: [] as number[],
    aborted: 0,
    closed: false,
    takes: 0,
    hangs: false,
    roused: 0,
    tidied: 0,
  };
  type Word = { type: "queue.woken" | "lead.won" | "lead.lost" };
  let say: (word: Word) => void = () => {};
  const queue: StoredUpdate[] = [];
  const polls: { offset: number; answer(ids: number[]): void; fail(error: Error): void }[] = [];
  const handlers: { id: number; finish(): void }[] = [];
  const store = (updates: readonly IncomingUpdate[]) => {
    if (world.hangs) return new Promise<void>(() => {});
    if (world.storeFails) return Promise.reject(new Error("the database is away"));
    for (const update of updates) {
      world.stored.push(update.update_id);
      const id = String(update.update_id);
      const tries = { retries: 0, waits: 0, failures: 0 };
      queue.push({ id, update, ...tries, isDead: false, sent: nothingSent(id) });
    }
    return Promise.resolve();
  };
  const bot = createActor(
    botMachine.provide({
      actors: {
        connect: fromPromise(() => {
          const next = world.connects.shift() ?? "@bot";
          return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
        }),
        poll: fromPromise(({ input }) => {
          const { promise, resolve, reject } = Promise.withResolvers<IncomingUpdate[]>();
          polls.push({
            offset: input.offset,
            answer: (ids) => resolve(ids.map((update_id) => ({ update_id }))),
            fail: reject,
          });
          return promise;
        }),
        store: fromPromise<number, { updates: readonly IncomingUpdate[] }>(async ({ input }) => {
          await store(input.updates);
          return Math.max(...input.updates.map(({ update_id }) => update_id)) + 1;
        }),
        receive: serving<Ask<"bot.receive">>(({ updates }) => store(updates)),
        take: fromPromise<readonly StoredUpdate[], { limit: number }>(({ input }) => {
          world.takes++;
          if (world.hangs) return new Promise(() => {});
          return Promise.resolve(queue.splice(0, input.limit));
        }),
        handlers: crew<StoredUpdate>(({ update }, signal) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          signal.addEventListener("abort", () => world.aborted++, { once: true });
          const id = update.update_id;
          handlers.push({
            id,
            finish: () => {
              world.handled.push(id);
              resolve();
            },
          });
          return promise;
        }),
        wakeUps: fromCallback(({ sendBack }) => {
          say = sendBack;
        }),
        leadership: fromCallback(({ sendBack }) => {
          if (leads) sendBack({ type: "lead.won" });
        }),
        tidy: fromPromise(() => {
          world.tidied++;
          return Promise.resolve();
        }),
        close: fromPromise(() => {
          world.closed = true;
          return Promise.resolve();
        }),
      },
      actions: { rouse: () => world.roused++ },
    }),
    { clock, systemId: "bot", input: { mode, drainMs: 7_000 } },
  );
  bot.subscribe({ error: () => {/* the tests look at its status */} });
  const start = async () => {
    bot.start();
    await settle();
  };
  const receive = (...ids: number[]) =>
    ask(bot.system, "bot.receive", { updates: ids.map((update_id) => ({ update_id })) });
  const hear = async (type: Word["type"]) => {
    say({ type });
    await settle();
  };
  return { bot, clock, world, polls, handlers, start, receive, hear };
}

Deno.test("bot signs in and notes its name", async () => {
  const { bot, start } = startBot();
  await start();
  assert.equal(bot.getSnapshot().context.note, "@bot, polling");
  assert.ok(bot.getSnapshot().matches("running"));
});

Deno.test("bot tries to sign in again when Telegram is away", async () => {
  const { bot, clock, world, start } = startBot();
  world.connects.push(new Error("no network"), new Error("no network"));
  await start();
  assert.equal(bot.getSnapshot().value, "waiting");
  clock.increment(1_000);
  await settle();
  clock.increment(2_000);
  await settle();
  assert.ok(bot.getSnapshot().matches("running"));
});

Deno.test("bot gives up at once when its token is refused", async () => {
  const { bot, world, start } = startBot();
  world.connects.push(new TelegramRefusedError("the token is revoked"));
  await start();
  assert.equal(bot.getSnapshot().status, "error");
});

Deno.test("bot acknowledges updates only after they are stored", async () => {
  const { world, polls, start } = startBot();
  await start();
  assert.equal(polls[0]?.offset, 0);
  polls[0]?.answer([5, 6]);
  await settle();
  assert.deepEqual(world.stored, [5, 6]);
  assert.equal(polls[1]?.offset, 7);
});

Deno.test("bot polls the same updates again when they could not be stored", async () => {
  const { clock, world, polls, start } = startBot();
  await start();
  world.storeFails = true;
  polls[0]?.answer([5]);
  await settle();
  assert.equal(polls.length, 1);
  world.storeFails = false;
  clock.increment(1_000);
  await settle();
  assert.equal(polls[1]?.offset, 0, "nothing was acknowledged");
});

Deno.test("bot backs off when polling fails, longer each time, and ends when refused", async () => {
  const { bot, clock, polls, start } = startBot();
  await start();
  for (const [n, ms] of [1_000, 2_000, 4_000].entries()) {
    polls[n]?.fail(new Error("502"));
    await settle();
    clock.increment(ms - 1);
    assert.equal(polls.length, n + 1);
    clock.increment(1);
    assert.equal(polls.length, n + 2);
  }
  polls[3]?.fail(new TelegramRefusedError("the token is revoked"));
  await settle();
  assert.equal(bot.getSnapshot().status, "error");
});

Deno.test("bot handles what was stored at once, without waiting for its next look", async () => {
  const { world, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(1, 2);
  await settle();
  assert.deepEqual(handlers.map(({ id }) => id), [1, 2]);
  const before = world.takes;
  handlers[0]?.finish();
  await settle();
  assert.equal(world.takes, before + 1, "the same chat may have more");
});

Deno.test("bot looks by itself for what another replica has stored", async () => {
  const { clock, world, start } = startBot("webhook");
  await start();
  const before = world.takes;
  clock.increment(LOOK_MS);
  await settle();
  assert.equal(world.takes, before + 1);
});

Deno.test("bot asks a queue anew that does not answer, whether it takes or stores", async () => {
  const { clock, handlers, polls, world, start, receive } = startBot();
  world.hangs = true;
  await start();
  polls[0]?.answer([1]);
  await settle();
  world.hangs = false;
  clock.increment(QUEUE_MS);
  await settle();
  clock.increment(LOOK_MS);
  await settle();
  assert.equal(polls.at(-1)?.offset, 0, "what was not stored is not acknowledged");
  await receive(2);
  await settle();
  assert.deepEqual(handlers.map(({ id }) => id), [2]);
});

Deno.test("bot takes no more than it can handle at once", async () => {
  const { clock, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(...Array.from({ length: MAX_IN_FLIGHT + 10 }, (_, n) => n));
  await settle();
  assert.equal(handlers.length, MAX_IN_FLIGHT);
  handlers[0]?.finish();
  await settle();
  clock.increment(GATHER_MS);
  await settle();
  assert.equal(handlers.length, MAX_IN_FLIGHT + 1);
});

Deno.test("bot with much in hand gathers for a moment before it looks again", async () => {
  const { clock, handlers, start, receive, world } = startBot("webhook");
  await start();
  await receive(...Array.from({ length: 50 }, (_, n) => n));
  await settle();
  const { takes } = world;
  for (const { finish } of handlers.splice(0, 10)) {
    finish();
    await settle();
  }
  await receive(50, 51);
  await settle();
  assert.deepEqual([world.takes, handlers.length], [takes, 40]);
  clock.increment(GATHER_MS);
  await settle();
  assert.deepEqual([world.takes, handlers.length], [takes + 1, 42]);
});

Deno.test("bot with much in hand for long takes what comes as soon", async () => {
  const { clock, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(...Array.from({ length: 50 }, (_, n) => n));
  await settle();
  clock.increment(LOOK_MS / 2);
  await settle();
  await receive(50);
  await settle();
  clock.increment(GATHER_MS);
  await settle();
  assert.equal(handlers.length, 51);
});

Deno.test("bot tells a webhook that its updates were not stored", async () => {
  const { world, start, receive } = startBot("webhook");
  await start();
  world.storeFails = true;
  await assert.rejects(receive(1), /the database is away/);
});

Deno.test("bot stops its intake at once, and finishes what is in hand", async () => {
  const { bot, world, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(1);
  await settle();
  bot.send({ type: "stop" });
  assert.equal(bot.getSnapshot().value, "draining");
  await assert.rejects(receive(2), OverloadedError);
  assert.equal(world.closed, false);
  handlers[0]?.finish();
  await settle();
  assert.deepEqual(world.handled, [1]);
  assert.equal(world.closed, true);
  assert.equal(bot.getSnapshot().status, "done");
});

Deno.test("bot abandons a handler that outlives the drain", async () => {
  const { bot, clock, world, start, receive } = startBot("webhook");
  await start();
  await receive(1);
  await settle();
  bot.send({ type: "stop" });
  clock.increment(7_000);
  await settle();
  assert.equal(world.aborted, 1);
  assert.equal(bot.getSnapshot().status, "done");
});

Deno.test("bot polls only while it leads, and begins anew with what Telegram has", async () => {
  const { bot, clock, polls, start, hear } = startBot("polling", { leads: false });
  await start();
  clock.increment(LOOK_MS);
  assert.equal(polls.length, 0);
  assert.ok(bot.getSnapshot().matches({ running: { intake: "standingBy" } }));
  await hear("lead.won");
  polls[0]?.answer([5]);
  await settle();
  assert.equal(polls[1]?.offset, 6);
  await hear("lead.lost");
  assert.ok(bot.getSnapshot().matches({ running: { intake: "standingBy" } }));
  polls[1]?.answer([6]);
  await settle();
  assert.equal(polls.length, 2, "an answer that comes too late is another's");
  await hear("lead.won");
  assert.equal(polls[2]?.offset, 0);
});

Deno.test("bot stands by also when it loses the lead while it backs off", async () => {
  const { clock, polls, start, hear } = startBot();
  await start();
  polls[0]?.fail(new Error("502"));
  await settle();
  await hear("lead.lost");
  clock.increment(60_000);
  await settle();
  assert.equal(polls.length, 1);
});

Deno.test("bot goes on when another program polls, and notes it until a poll succeeds", async () => {
  const { bot, clock, polls, start } = startBot();
  await start();
  polls[0]?.fail(new TelegramConflictError());
  await settle();
  assert.equal(bot.getSnapshot().context.isContested, true);
  clock.increment(1_000);
  await settle();
  assert.equal(bot.getSnapshot().context.isContested, true, "not known to be over");
  polls[1]?.answer([]);
  await settle();
  assert.equal(bot.getSnapshot().context.isContested, false);
  assert.equal(polls.length, 3);
});

Deno.test("bot looks at once when another replica has left work", async () => {
  const { world, start, hear } = startBot("webhook");
  await start();
  const before = world.takes;
  await hear("queue.woken");
  assert.equal(world.takes, before + 1);
});

Deno.test("bot wakes the others only for what it cannot do itself", async () => {
  const { clock, world, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(...Array.from({ length: MAX_IN_FLIGHT - 1 }, (_, n) => n));
  await settle();
  assert.equal(world.roused, 0);
  await receive(1_000, 1_001);
  await settle();
  clock.increment(GATHER_MS);
  await settle();
  const full = world.roused;
  assert.ok(full > 0, "its hands are full");
  await receive(1_002);
  await settle();
  assert.ok(world.roused > full);
  const { length } = handlers;
  handlers[0]?.finish();
  await settle();
  clock.increment(GATHER_MS);
  await settle();
  assert.equal(handlers.length, length + 1, "what it left it takes itself when it can");
});

Deno.test("bot that stops wakes the others for each chat that it leaves", async () => {
  const { bot, world, handlers, start, receive } = startBot("webhook");
  await start();
  await receive(1, 2);
  await settle();
  bot.send({ type: "stop" });
  handlers[0]?.finish();
  await settle();
  assert.equal(world.roused, 1);
});

Deno.test("bot does the chores from time to time while it leads", async () => {
  const { clock, world, start, hear } = startBot("webhook", { leads: false });
  await start();
  clock.increment(CHORES_MS);
  await settle();
  assert.equal(world.tidied, 0);
  await hear("lead.won");
  assert.equal(world.tidied, 1);
  clock.increment(CHORES_MS);
  await settle();
  assert.equal(world.tidied, 2);
  await hear("lead.lost");
  clock.increment(CHORES_MS);
  await settle();
  assert.equal(world.tidied, 2);
});
