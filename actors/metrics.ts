/**
 * Counters, timers and gauges as an actor: the first that starts and the last
 * that stops, so that every other actor can be measured over its whole life.
 */
import { enqueueActions, setup } from "xstate";
import type { DoneActorEvent } from "xstate";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { beginWork, endWork, idle, refuse, type Served, type Serving } from "../lib/serve.ts";
import type { AsksOf, Inbox } from "./protocol.ts";

export const MAX_IN_FLIGHT = 50;
const DRAIN_MS = 1_000;

interface Context extends Serving {
  note: string;
}

type Event = Inbox<"metrics"> | DoneActorEvent<Served>;

export const metricsMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  actors: { work: notProvided<Served, AsksOf<"metrics">>("work") },
  guards: {
    isFull: ({ context }) => context.inFlight >= MAX_IN_FLIGHT,
    isIdle: ({ context }) => context.inFlight === 0,
  },
  actions: {
    reportReady,
    /** Replaced by `provide()`: puts one measurement into the registry. */
    record: () => {},
    begin: enqueueActions(({ context, event, enqueue }) => {
      if ("replyTo" in event) beginWork(context, event, enqueue);
    }),
    end: enqueueActions(({ context, event, enqueue }) => {
      if ("actorId" in event) endWork(context, event, enqueue);
    }),
    refuse: ({ event }) => {
      if ("replyTo" in event) refuse("metrics", event);
    },
  },
}).createMachine({
  id: "metrics",
  context: { ...idle, note: "counters, timers and gauges" },
  entry: "reportReady",
  on: {
    "xstate.done.actor.work.*": { actions: "end" },
    // Measurements count until the very end, while others are still stopping.
    "metrics.count": { actions: "record" },
    "metrics.time": { actions: "record" },
    "metrics.gauge": { actions: "record" },
  },
  initial: "ready",
  states: {
    ready: {
      on: {
        "metrics.summary": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        "metrics.render": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        stop: "draining",
      },
    },
    draining: {
      always: { guard: "isIdle", target: "stopped" },
      after: { [DRAIN_MS]: "stopped" },
      on: {
        "metrics.summary": { actions: "refuse" },
        "metrics.render": { actions: "refuse" },
      },
    },
    stopped: { type: "final" },
  },
});
