/**
 * Questions to a language model, recordings that it listens to and texts that it
 * reads aloud: each takes its turn as an attempt of its own, identical ones share
 * one, and a circuit spares a service that keeps failing. Speech comes from a
 * model of its own with a quota of its own, so its failures silence speech alone.
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
  /** Attempts that call the model at once. */
  concurrency: number;
  retry: RetryPolicy;
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
  /** Failed speeches in a row. */
  failedSpeeches: number;
  /** Why nothing is spoken at present. */
  silentReason: FailureReason | undefined;
}

type Event =
  | Inbox<"ai">
  | DoneActorEvent<AttemptResult>
  | { type: "attempt.answered" | "speech.answered" | "silence.over" | "turn.free" }
  | { type: "attempt.failed" | "speech.failed"; reason: FailureReason }
  | { type: "recent.over"; key: string };

const DEFAULTS: AiInput = {
  note: "",
  hasProvider: false,
  concurrency: 8,
  retry: { baseMs: 2_000, retries: 3 },
};

/** All that is asked of the AI. */
const ASKS = ["ai.answer", "ai.transcribe", "ai.speak"] as const satisfies readonly AiAsk["type"][];

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
    isSilent: ({ context, event }) =>
      event.type === "ai.speak" && context.silentReason !== undefined && !isShared(context, event),
    isIdle: ({ context }) => context.waiting.length + context.running.length === 0,
    opens: ({ context, event }) => {
      assertEvent(event, "attempt.failed");
      return event.reason === "quota" ||
        OPENING.has(event.reason) && context.failures + 1 >= FAILURES_TO_OPEN;
    },
    isTrialTaken: ({ context, event }) =>
      context.waiting.length + context.running.length > 0 && !isShared(context, event),
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
      const id = `attempt.${number}`;
      enqueue.spawnChild("attempt", { id, input: { ask: event, policy: context.retry } });
      enqueue.assign({
        numbers,
        byKey: { ...context.byKey, [key]: id },
        waiting: [...context.waiting, { id, userId: event.userId }],
      });
      enqueue("startWhoseTurnItIs");
    }),
    startWhoseTurnItIs: enqueueActions(({ context, enqueue }) => {
      const { start, waiting } = takeTurns(context.waiting, context.running, context.concurrency);
      if (start.length === 0) return;
      enqueue.assign({ waiting, running: [...context.running, ...start] });
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
      const kind = key.startsWith("ai.speak ") ? "speech" : "attempt";
      if (result.outcome === "answered") {
        enqueue.assign({ recent: { ...context.recent, [key]: result.reply } });
        enqueue.raise({ type: "recent.over", key }, { delay: RECENT_MS });
        enqueue.raise({ type: `${kind}.answered` });
      }
      if (result.outcome === "failed") {
        enqueue.raise({ type: `${kind}.failed`, reason: result.reason });
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
    countFailedSpeech: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "speech.failed");
      const { reason } = event;
      if (!OPENING.has(reason)) return;
      const failedSpeeches = context.failedSpeeches + 1;
      enqueue.assign({ failedSpeeches });
      if (context.silentReason !== undefined) return;
      if (reason !== "quota" && failedSpeeches < FAILURES_TO_OPEN) return;
      enqueue.assign({ silentReason: reason });
      enqueue.raise({ type: "silence.over" }, { delay: "openTime" });
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
      fallBack(event, context.hasProvider ? context.openReason : "offline");
    },
    keepSilent: ({ context, event }) => {
      assertEvent(event, "ai.speak");
      fallBack(event, context.silentReason ?? "unavailable");
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
    failedSpeeches: 0,
    silentReason: undefined,
  }),
  entry: "reportReady",
  on: {
    "xstate.done.actor.attempt.*": { actions: "end" },
    "recent.over": { actions: "forget" },
    "speech.answered": { actions: assign({ failedSpeeches: 0 }) },
    "speech.failed": { actions: "countFailedSpeech" },
    // The next failure silences it again, an answer ends that.
    "silence.over": { actions: assign({ silentReason: undefined }) },
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
          { guard: "isSilent", actions: "keepSilent" },
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
        "ai.*": [
          { guard: "isSilent", actions: "keepSilent" },
          { guard: "isTrialTaken", actions: "fallBack" },
          { actions: "begin" },
        ],
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
