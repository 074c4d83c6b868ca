/**
 * Telegram's side of the bot: takes updates in (by polling or webhook), stores
 * them before they are acknowledged, and handles what is stored, a bounded
 * number at once. The durable queue keeps each chat's order. One replica leads:
 * it alone polls, and does the chores.
 */
import {
  assertEvent,
  assign,
  type DoneActorEvent,
  enqueueActions,
  fromCallback,
  setup,
  stopChild,
} from "xstate";
import { type ChildNumbers, giveBack, noChildren, takeNumbers } from "../lib/child_numbers.ts";
import { crew, type CrewOrder, type CrewReport } from "../lib/crew.ts";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { refuse, type Served } from "../lib/serve.ts";
import { TelegramConflictError, TelegramRefusedError } from "../lib/telegram/errors.ts";
import type { StoredUpdate } from "../lib/telegram/update_queue.ts";
import type { Ask, Inbox, IncomingUpdate } from "./protocol.ts";

/** Updates handled at once, each of another chat. */
export const MAX_IN_FLIGHT = 100;
/**
 * With more than this in hand, what is to be taken is gathered for a moment: each
 * look at the queue reads all that waits, and a few milliseconds save many looks.
 */
const FEW_IN_FLIGHT = 20;
export const GATHER_MS = 20;
/** Webhook deliveries stored at once; Telegram sends 100 at the most. */
export const MAX_RECEIVING = 200;
/** The net under the wake-ups: how often the queue is looked at without one. */
export const LOOK_MS = 1_000;
/** How often the replica that leads deletes what is kept no longer. */
export const CHORES_MS = 10 * 60_000;
const MAX_BACKOFF_MS = 30_000;
const CLOSE_MS = 2_000;
/** The queue that has not answered for this long is asked anew. */
export const QUEUE_MS = 15_000;

export interface BotInput {
  mode: "polling" | "webhook";
  /** How long updates in flight may take to finish after `stop`, in milliseconds. */
  drainMs: number;
}

interface Context extends BotInput {
  note: string;
  /** The next update that polling asks for. */
  offset: number;
  /** Failures in a row of connecting or polling. */
  failures: number;
  /** Somebody else takes the updates away: another poller, or a webhook. */
  isContested: boolean;
  /** Updates that are being handled. */
  inFlight: number;
  /** They name the children that store. */
  numbers: ChildNumbers;
  receiving: number;
  /** Something was stored or finished since the queue was last looked at. */
  woken: boolean;
}

type PollDone = DoneActorEvent<readonly IncomingUpdate[], "poll">;
type TakeDone = DoneActorEvent<readonly StoredUpdate[], "take">;
type Event =
  | Inbox<"bot">
  | PollDone
  | TakeDone
  | CrewReport
  | { type: "queue.woken" | "lead.won" | "lead.lost" | "token.refused" }
  | DoneActorEvent<Served | undefined>;

export const botMachine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as BotInput | undefined,
  },
  actors: {
    /** Signs in, sets commands and intake; gives the bot's name. */
    connect: notProvided<string>("connect"),
    /** Long-polls for updates from `offset` on. */
    poll: notProvided<readonly IncomingUpdate[], { offset: number }>("poll"),
    /** Stores the updates durably; gives the offset from which on none is stored. */
    store: notProvided<number, { updates: readonly IncomingUpdate[] }>("store"),
    receive: notProvided<Served, Ask<"bot.receive">>("receive"),
    /** Takes up to `limit` updates from the queue, at most one of each chat. */
    take: notProvided<readonly StoredUpdate[], { limit: number }>("take"),
    /** Handles updates and completes them. */
    handlers: crew<StoredUpdate>(() =>
      Promise.reject(new Error("Cannot handle as no handler is provided"))
    ),
    /** Tells of work that another replica has left, by `queue.woken`. */
    wakeUps: fromCallback<Event>(() => {}),
    /** Tells whether this replica leads, by `lead.won` and `lead.lost`; one that is alone does. */
    leadership: fromCallback<Event>(({ sendBack }) => sendBack({ type: "lead.won" })),
    /** Tells by `token.refused` that Telegram has refused the token in some call. */
    refusals: fromCallback<Event>(() => {}),
    /** Deletes what is kept no longer. */
    tidy: notProvided<void>("tidy"),
    close: notProvided<void>("close"),
  },
  delays: {
    chores: CHORES_MS,
    backoff: ({ context }) => Math.min(500 * 2 ** context.failures, MAX_BACKOFF_MS),
    look: LOOK_MS,
    gather: GATHER_MS,
    drainTimeout: ({ context }) => context.drainMs,
    closeTimeout: CLOSE_MS,
    queueTimeout: QUEUE_MS,
  },
  guards: {
    mayPass: (_, { error }: { error: unknown }) => !(error instanceof TelegramRefusedError),
    isContested: (_, { error }: { error: unknown }) => error instanceof TelegramConflictError,
    isPolling: ({ context }) => context.mode === "polling",
    hasUpdates: (_, { updates }: { updates: readonly IncomingUpdate[] }) => updates.length > 0,
    isWokenAndFree: ({ context }) => context.woken && context.inFlight < MAX_IN_FLIGHT,
    isWokenAndCalm: ({ context }) => context.woken && context.inFlight < FEW_IN_FLIGHT,
    isFree: ({ context }) => context.inFlight < MAX_IN_FLIGHT,
    isIdle: ({ context }) => context.inFlight + context.receiving === 0,
    receivesTooMuch: ({ context }) => context.receiving >= MAX_RECEIVING,
  },
  actions: {
    reportReady,
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgetFailures: assign({ failures: 0, isContested: false }),
    noteContest: assign({ isContested: true }),
    wake: assign({ woken: true }),
    /** Wakes the other replicas; there is nobody to wake unless this is provided. */
    rouse: () => {},
    /** Work that came while our hands are full is for the others. */
    rouseIfFull: enqueueActions(({ context, enqueue }) => {
      if (context.inFlight >= MAX_IN_FLIGHT) enqueue("rouse");
    }),
    receive: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "bot.receive");
      const [[number], numbers] = takeNumbers(context.numbers, 1);
      enqueue.spawnChild("receive", { id: `receive.${number}`, input: event });
      enqueue.assign({ numbers, receiving: context.receiving + 1 });
    }),
    endReceiving: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      enqueue.stopChild(event.actorId);
      enqueue.assign({
        numbers: giveBack(context.numbers, event.actorId),
        receiving: context.receiving - 1,
        woken: true,
      });
    }),
    handleAll: enqueueActions(({ context, event, enqueue }) => {
      const items = jobsOf(event);
      if (items.length === 0) return;
      enqueue.sendTo("handlers", { type: "work", items } satisfies CrewOrder<StoredUpdate>);
      enqueue.assign({ inFlight: context.inFlight + items.length });
    }),
    endHandling: assign(({ context, event }) => {
      assertEvent(event, "crew.done");
      // The next updates of the same chats can be taken now.
      return { inFlight: context.inFlight - event.count, woken: true };
    }),
    abandonHandlers: stopChild("handlers"),
    refuse: ({ event }) => {
      if ("replyTo" in event) refuse("bot", event);
    },
  },
}).createMachine({
  id: "bot",
  context: ({ input }) => ({
    ...(input ?? { mode: "polling", drainMs: 5_000 }),
    note: "",
    offset: 0,
    failures: 0,
    isContested: false,
    inFlight: 0,
    numbers: noChildren,
    receiving: 0,
    woken: true,
  }),
  invoke: { id: "handlers", src: "handlers" },
  on: {
    "bot.receive": { actions: "refuse" },
    "xstate.done.actor.receive.*": { actions: ["endReceiving", "rouseIfFull"] },
    "crew.done": { actions: "endHandling" },
  },
  initial: "connecting",
  states: {
    connecting: {
      invoke: {
        id: "connect",
        src: "connect",
        onDone: {
          target: "running",
          actions: [
            assign({ note: ({ context, event }) => `${event.output}, ${context.mode}` }),
            "forgetFailures",
            "reportReady",
          ],
        },
        onError: {
          guard: { type: "mayPass", params: ({ event }) => ({ error: event.error }) },
          target: "waiting",
          actions: "countFailure",
        },
      },
      on: { stop: "closing" },
    },
    waiting: { after: { backoff: "connecting" }, on: { stop: "closing" } },
    running: {
      type: "parallel",
      invoke: [
        { id: "wakeUps", src: "wakeUps" },
        { id: "leadership", src: "leadership" },
        { id: "refusals", src: "refusals" },
      ],
      on: {
        // Signing in anew tells whether it is revoked, which ends the bot.
        "token.refused": "connecting",
        "queue.woken": { actions: "wake" },
        "bot.receive": [
          { guard: "receivesTooMuch", actions: "refuse" },
          { actions: "receive" },
        ],
        stop: "draining",
      },
      states: {
        intake: {
          initial: "deciding",
          states: {
            deciding: {
              always: [{ guard: "isPolling", target: "standingBy" }, { target: "webhook" }],
            },
            webhook: {},
            // Another replica polls.
            standingBy: {
              // Telegram knows what was acknowledged; what we knew of it may be long ago.
              on: { "lead.won": { target: "polling", actions: assign({ offset: 0 }) } },
            },
            polling: {
              on: { "lead.lost": "standingBy" },
              invoke: {
                id: "poll",
                src: "poll",
                input: ({ context }) => ({ offset: context.offset }),
                onDone: [
                  {
                    guard: {
                      type: "hasUpdates",
                      params: ({ event }) => ({ updates: event.output }),
                    },
                    target: "storing",
                    actions: "forgetFailures",
                  },
                  { target: "polling", reenter: true, actions: "forgetFailures" },
                ],
                onError: [
                  {
                    guard: { type: "isContested", params: ({ event }) => ({ error: event.error }) },
                    target: "backingOff",
                    actions: ["countFailure", "noteContest"],
                  },
                  {
                    guard: { type: "mayPass", params: ({ event }) => ({ error: event.error }) },
                    target: "backingOff",
                    actions: "countFailure",
                  },
                ],
              },
            },
            storing: {
              on: { "lead.lost": "standingBy" },
              invoke: {
                id: "store",
                src: "store",
                input: ({ event }) => ({ updates: updatesOf(event) }),
                // Only the next poll acknowledges these, so what is not stored comes again.
                onDone: {
                  target: "polling",
                  actions: [assign({ offset: ({ event }) => event.output }), "wake", "rouseIfFull"],
                },
                onError: { target: "backingOff", actions: "countFailure" },
              },
              after: { queueTimeout: { target: "backingOff", actions: "countFailure" } },
            },
            backingOff: { on: { "lead.lost": "standingBy" }, after: { backoff: "polling" } },
          },
        },
        work: {
          initial: "resting",
          states: {
            resting: {
              always: [
                { guard: "isWokenAndCalm", target: "taking" },
                { guard: "isWokenAndFree", target: "gathering" },
              ],
              after: {
                look: [{ guard: "isFree", target: "taking" }, { target: "resting", reenter: true }],
              },
            },
            gathering: { after: { gather: "taking" } },
            taking: {
              entry: assign({ woken: false }),
              invoke: {
                id: "take",
                src: "take",
                input: ({ context }) => ({ limit: MAX_IN_FLIGHT - context.inFlight }),
                onDone: {
                  target: "resting",
                  // As many as we could take may not have been all.
                  actions: ["handleAll", "rouseIfFull"],
                },
                onError: "pausing",
              },
              after: { queueTimeout: "pausing" },
            },
            // The database is away: its actor reconnects, and until then there is nothing to take.
            pausing: { after: { look: "taking" } },
          },
        },
        chores: {
          initial: "following",
          states: {
            // Another replica does them.
            following: { on: { "lead.won": "tidying" } },
            tidying: {
              on: { "lead.lost": "following" },
              // What failed is done the next time.
              invoke: { id: "tidy", src: "tidy", onDone: "resting", onError: "resting" },
            },
            resting: { on: { "lead.lost": "following" }, after: { chores: "tidying" } },
          },
        },
      },
    },
    draining: {
      // What waits in a chat whose update we have just finished is for the others.
      on: { "crew.done": { actions: ["endHandling", "rouse"] } },
      always: { guard: "isIdle", target: "closing" },
      after: { drainTimeout: "closing" },
    },
    closing: {
      entry: "abandonHandlers",
      invoke: { id: "close", src: "close", onDone: "stopped", onError: "stopped" },
      after: { closeTimeout: "stopped" },
    },
    stopped: { type: "final" },
  },
});

/** The updates that a poll has brought: they go straight into the store. */
function updatesOf(event: Event): readonly IncomingUpdate[] {
  return event.type === "xstate.done.actor.poll" ? (event as PollDone).output : [];
}

function jobsOf(event: Event): readonly StoredUpdate[] {
  return event.type === "xstate.done.actor.take" ? (event as TakeDone).output : [];
}
