/**
 * The health of the whole as an actor: checks by itself at intervals, and on
 * demand; all who ask during one check get that check's report.
 */
import { assertEvent, assign, setup } from "xstate";
import type { HealthReport } from "../lib/health.ts";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import type { Ask, Inbox } from "./protocol.ts";

export const CHECK_INTERVAL_MS = 15_000;
/** A report no older than this is good enough for whoever asks. */
export const FRESH_MS = 1_000;
/** Probes have 80 ms each; a check that takes this long is broken. */
const CHECK_MS = 2_000;

interface Context {
  note: string;
  askers: readonly Ask<"health.check">[];
  report?: HealthReport | undefined;
}

type Event = Inbox<"health">;

export const healthMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  actors: { check: notProvided<HealthReport>("check") },
  delays: { interval: CHECK_INTERVAL_MS, freshness: FRESH_MS, checkTimeout: CHECK_MS },
  guards: {
    wantsFresh: ({ event }) => event.type === "health.check" && event.fresh === true,
    hasReport: ({ context }) => context.report !== undefined,
  },
  actions: {
    reportReady,
    remember: assign({
      askers: ({ context, event }) => {
        assertEvent(event, "health.check");
        return [...context.askers, event];
      },
    }),
    replyWithLast: ({ context, event }) => {
      assertEvent(event, "health.check");
      if (context.report !== undefined) event.replyTo.resolve(context.report);
    },
    replyToAll: assign(({ context }, { report }: { report: HealthReport }) => {
      for (const { replyTo } of context.askers) replyTo.resolve(report);
      return { askers: [], report };
    }),
    rejectAll: assign(({ context }, { error }: { error: unknown }) => {
      for (const { replyTo } of context.askers) replyTo.reject(error);
      return { askers: [], report: undefined };
    }),
  },
}).createMachine({
  id: "health",
  context: { note: "checks on demand and every 15 s", askers: [] },
  entry: "reportReady",
  on: { stop: ".stopped" },
  initial: "stale",
  states: {
    stale: {
      on: { "health.check": { target: "checking", actions: "remember" } },
      after: { interval: "checking" },
    },
    checking: {
      on: { "health.check": { actions: "remember" } },
      invoke: {
        id: "check",
        src: "check",
        onDone: {
          target: "fresh",
          actions: { type: "replyToAll", params: ({ event }) => ({ report: event.output }) },
        },
        onError: {
          target: "stale",
          actions: { type: "rejectAll", params: ({ event }) => ({ error: event.error }) },
        },
      },
      after: {
        checkTimeout: {
          target: "stale",
          actions: {
            type: "rejectAll",
            params: { error: new Error("Cannot report health as the check took too long") },
          },
        },
      },
    },
    fresh: {
      on: {
        "health.check": [
          { guard: "wantsFresh", target: "checking", actions: "remember" },
          { actions: "replyWithLast" },
        ],
      },
      after: { freshness: "stale" },
    },
    stopped: { type: "final" },
  },
});
