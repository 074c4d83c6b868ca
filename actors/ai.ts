/**
 * Questions to a language model, recordings that it listens to, texts that it
 * reads aloud and texts that it embeds: each takes its turn as an attempt of its
 * own, identical ones share one, and a circuit spares a service that keeps
 * failing. Speech and embeddings come from models of their own with quotas of
 * their own: what fails them rests by itself, and keeps nobody from an answer.
 * Whoever asks gets a reply, or the reason why there is none.
 */
import { assertEvent, assign, type DoneActorEvent, enqueueActions, setup } from "xstate";
import type { FailureReason } from "../lib/ai/provider.ts";
import { takeTurns, type Waiting } from "../lib/turns.ts";
import { OverloadedError } from "../lib/ask.ts";
import { type ChildNumbers, giveBack, noChildren, takeNumbers } from "../lib/child_numbers.ts";
import { reportReady } from "../lib/lifecycle.ts";
import {
  type AiAsk,
  type AiReply,
  answer,
  attemptMachine,
  type AttemptResult,
  fallBack,
  type RetryPolicy,
} from "./attempt.ts";
import type { Inbox } from "./protocol.ts";

/** Attempts that run or wait; see the note on children in their thousands in the design. */
export const MAX_IN_FLIGHT = 100;
/** Failed attempts in a row after which the circuit opens. */
export const FAILURES_TO_OPEN = 5;
/** How long an answer serves late-comers who have missed it in the cache by a moment. */
export const RECENT_MS = 5_000;
/** How long an open circuit waits before it lets one attempt through. */
export const OPEN_MS = 30_000;
const DRAIN_MS = 30_000;

export interface AiInput {
  /** One line for the operator: the provider and model, or that there is none. */
  note: string;
  /** Whether a model is configured at all. */
  hasProvider: boolean;
  /** Attempts that call a model at once; those that embed are counted by themselves. */
  concurrency: number;
  retry: RetryPolicy;
}

/** Asks that a model of its own serves, with a quota of its own. */
const SIDES = ["ai.speak", "ai.embed"] as const satisfies readonly AiAsk["type"][];
type Side = (typeof SIDES)[number];

interface SideService {
  /** Failed attempts in a row. */
  failures: number;
  /** Why it is not asked at present. */
  restReason: FailureReason | undefined;
}

interface Context extends AiInput {
  /** They name the attempts. */
  numbers: ChildNumbers;
  /** The attempt that answers a request, by the request's key. */
  byKey: Readonly<Record<string, string>>;
  /** Answers of the last moments, by key. */
  recent: Readonly<Record<string, AiReply>>;
  waiting: readonly Waiting[];
  running: readonly Waiting[];
  /** Failed attempts in a row. */
  failures: number;
  /** Why the circuit opened. */
  openReason: FailureReason;
  /** How the side services are. */
  sides: Readonly<Record<Side, SideService>>;
}

type Event =
  | Inbox<"ai">
  | DoneActorEvent<AttemptResult>
  | { type: "attempt.answered" | "turn.free" }
  | { type: "attempt.failed"; reason: FailureReason }
  | { type: "side.answered" | "side.rested"; side: Side }
  | { type: "side.failed"; side: Side; reason: FailureReason }
  | { type: "recent.over"; key: string };

const DEFAULTS: AiInput = {
  note: "",
  hasProvider: false,
  concurrency: 8,
  retry: { baseMs: 2_000, retries: 3 },
};

/** All that is asked of the AI. */
const ASKS = [
  "ai.answer",
  "ai.transcribe",
  "ai.speak",
  "ai.embed",
] as const satisfies readonly AiAsk["type"][];

/** Failures that say something of the service, not of one question. */
const OPENING: ReadonlySet<FailureReason> = new Set([
  "unavailable",
  "timeout",
  "rate_limit",
  "quota",
]);

export const aiMachine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as AiInput | undefined,
  },
  actors: { attempt: attemptMachine },
  delays: { openTime: OPEN_MS, drainTimeout: DRAIN_MS },
  guards: {
    hasProvider: ({ context }) => context.hasProvider,
    isFull: ({ context, event }) =>
      context.waiting.length + context.running.length >= MAX_IN_FLIGHT && !isShared(context, event),
    isRecent: ({ context, event }) => isAsk(event) && keyOf(event) in context.recent,
    isResting: ({ context, event }) =>
      isSide(event) && context.sides[event.type].restReason !== undefined &&
      !isShared(context, event),
    isIdle: ({ context }) => context.waiting.length + context.running.length === 0,
    opens: ({ context, event }) => {
      assertEvent(event, "attempt.failed");
      return event.reason === "quota" ||
        OPENING.has(event.reason) && context.failures + 1 >= FAILURES_TO_OPEN;
    },
    isTrialTaken: ({ context, event }) =>
      !isSide(event) && !isShared(context, event) &&
      [...context.waiting, ...context.running].some((call) => sideOf(call) === undefined),
  },
  actions: {
    reportReady,
    begin: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ASKS);
      const key = keyOf(event);
      const shared = context.byKey[key];
      if (shared !== undefined) {
        enqueue.sendTo(shared, { type: "join", ask: event });
        return;
      }
      const [[number], numbers] = takeNumbers(context.numbers, 1);
      const id = `attempt.${event.type}.${number}`;
      // Whoever asks a question does not wait for a second try at its meaning.
      const isOnce = event.type === "ai.embed" && event.kind === "question";
      const policy = isOnce ? { ...context.retry, retries: 0 } : context.retry;
      enqueue.spawnChild("attempt", { id, input: { ask: event, policy } });
      enqueue.assign({
        numbers,
        byKey: { ...context.byKey, [key]: id },
        waiting: [...context.waiting, { id, userId: event.userId }],
      });
      enqueue("startWhoseTurnItIs");
    }),
    startWhoseTurnItIs: enqueueActions(({ context, enqueue }) => {
      const takesTurn = (ofEmbedding: boolean) => {
        const isOne = (call: Waiting) => (sideOf(call) === "ai.embed") === ofEmbedding;
        const { waiting, running, concurrency } = context;
        return takeTurns(waiting.filter(isOne), running.filter(isOne), concurrency).start;
      };
      const start = [...takesTurn(false), ...takesTurn(true)];
      if (start.length === 0) return;
      enqueue.assign({
        waiting: context.waiting.filter((call) => !start.includes(call)),
        running: [...context.running, ...start],
      });
      for (const { id } of start) {
        enqueue.sendTo(id, { type: "go" });
      }
    }),
    end: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      const id = event.actorId;
      enqueue.stopChild(id);
      enqueue.assign({
        numbers: giveBack(context.numbers, id),
        byKey: Object.fromEntries(Object.entries(context.byKey).filter(([, of]) => of !== id)),
        waiting: context.waiting.filter((call) => call.id !== id),
        running: context.running.filter((call) => call.id !== id),
      });
      const result = event.output;
      const key = Object.keys(context.byKey).find((of) => context.byKey[of] === id) ?? id;
      const side = sideOf({ id });
      if (result.outcome === "answered") {
        enqueue.assign({ recent: { ...context.recent, [key]: result.reply } });
        enqueue.raise({ type: "recent.over", key }, { delay: RECENT_MS });
        enqueue.raise(side ? { type: "side.answered", side } : { type: "attempt.answered" });
      }
      if (result.outcome === "failed") {
        const { reason } = result;
        enqueue.raise(
          side ? { type: "side.failed", side, reason } : { type: "attempt.failed", reason },
        );
      }
      // Last, since a failure may open the circuit, and then nobody's turn comes.
      enqueue.raise({ type: "turn.free" });
    }),
    repeat: ({ context, event }) => {
      assertEvent(event, ASKS);
      const reply = context.recent[keyOf(event)];
      if (reply !== undefined) answer(event, reply);
    },
    forget: assign({
      recent: ({ context, event }) => {
        assertEvent(event, "recent.over");
        return Object.fromEntries(
          Object.entries(context.recent).filter(([key]) => key !== event.key),
        );
      },
    }),
    countFailure: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "attempt.failed");
      if (!OPENING.has(event.reason)) return;
      enqueue.assign({ failures: context.failures + 1, openReason: event.reason });
    }),
    forgiveSide: assign(({ context, event }) => {
      assertEvent(event, "side.answered");
      return withSide(context, event.side, { failures: 0 });
    }),
    wakeSide: assign(({ context, event }) => {
      assertEvent(event, "side.rested");
      return withSide(context, event.side, { restReason: undefined });
    }),
    countSideFailure: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "side.failed");
      const { side, reason } = event;
      if (!OPENING.has(reason)) return;
      const { failures, restReason } = context.sides[side];
      const rests = restReason === undefined &&
        (reason === "quota" || failures + 1 >= FAILURES_TO_OPEN);
      const change = { failures: failures + 1, ...(rests && { restReason: reason }) };
      enqueue.assign(withSide(context, side, change));
      if (rests) enqueue.raise({ type: "side.rested", side }, { delay: "openTime" });
    }),
    giveUpWaiting: enqueueActions(({ context, enqueue }) => {
      for (const { id } of context.waiting) {
        enqueue.sendTo(id, {
          type: "giveUp",
          reason: context.openReason,
        });
      }
    }),
    fallBack: ({ context, event }) => {
      assertEvent(event, ASKS);
      const restReason = isSide(event) ? context.sides[event.type].restReason : undefined;
      fallBack(event, context.hasProvider ? restReason ?? context.openReason : "offline");
    },
    refuse: ({ event }) => {
      assertEvent(event, ASKS);
      event.replyTo.reject(new OverloadedError("ai"));
    },
  },
}).createMachine({
  id: "ai",
  context: ({ input }) => ({
    ...(input ?? DEFAULTS),
    numbers: noChildren,
    byKey: {},
    recent: {},
    waiting: [],
    running: [],
    failures: 0,
    openReason: "unavailable",
    sides: {
      "ai.speak": { failures: 0, restReason: undefined },
      "ai.embed": { failures: 0, restReason: undefined },
    },
  }),
  entry: "reportReady",
  on: {
    "xstate.done.actor.attempt.*": { actions: "end" },
    "recent.over": { actions: "forget" },
    "side.answered": { actions: "forgiveSide" },
    "side.failed": { actions: "countSideFailure" },
    // The next failure has it rest again, an answer ends that.
    "side.rested": { actions: "wakeSide" },
  },
  initial: "deciding",
  states: {
    deciding: { always: [{ guard: "hasProvider", target: "closed" }, { target: "offline" }] },
    offline: { on: { "ai.*": { actions: "fallBack" }, stop: "draining" } },
    closed: {
      entry: enqueueActions(({ enqueue }) => enqueue.assign({ failures: 0 })),
      on: {
        "ai.*": [
          { guard: "isRecent", actions: "repeat" },
          { guard: "isResting", actions: "fallBack" },
          { guard: "isFull", actions: "refuse" },
          { actions: "begin" },
        ],
        "turn.free": { actions: "startWhoseTurnItIs" },
        "attempt.answered": {
          actions: enqueueActions(({ enqueue }) => enqueue.assign({ failures: 0 })),
        },
        "attempt.failed": [
          { guard: "opens", target: "open", actions: "countFailure" },
          { actions: "countFailure" },
        ],
        stop: "draining",
      },
    },
    open: {
      entry: "giveUpWaiting",
      on: { "ai.*": { actions: "fallBack" }, stop: "draining" },
      after: { openTime: "halfOpen" },
    },
    halfOpen: {
      on: {
        // What a side service does would say nothing of answers.
        "ai.*": [
          { guard: "isResting", actions: "fallBack" },
          { guard: "isFull", actions: "refuse" },
          { guard: "isTrialTaken", actions: "fallBack" },
          { actions: "begin" },
        ],
        "turn.free": { actions: "startWhoseTurnItIs" },
        "attempt.answered": "closed",
        "attempt.failed": { target: "open", actions: "countFailure" },
        stop: "draining",
      },
    },
    draining: {
      always: { guard: "isIdle", target: "stopped" },
      after: { drainTimeout: "stopped" },
      on: {
        "ai.*": { actions: "refuse" },
        "turn.free": { actions: "startWhoseTurnItIs" },
      },
    },
    stopped: { type: "final" },
  },
});

/** Which side service an attempt asks; none where it asks the model that answers. */
function sideOf({ id }: Pick<Waiting, "id">): Side | undefined {
  return SIDES.find((side) => id.startsWith(`attempt.${side}.`));
}

function isSide(event: Event): event is Extract<AiAsk, { type: Side }> {
  return SIDES.some((type) => type === event.type);
}

function withSide({ sides }: Context, side: Side, change: Partial<SideService>) {
  return { sides: { ...sides, [side]: { ...sides[side], ...change } } };
}

function isAsk(event: Event): event is AiAsk {
  return ASKS.some((type) => type === event.type);
}

/** Requests of one type and key are one request. */
function keyOf({ type, key }: AiAsk): string {
  return `${type} ${key}`;
}

function isShared({ byKey }: Context, event: Event): boolean {
  return isAsk(event) && keyOf(event) in byKey;
}
