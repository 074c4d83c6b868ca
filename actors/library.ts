/**
 * The users' documents: takes a file through its life as a `document` child,
 * a bounded number at once, and finds the passages that a question needs.
 */
import {
  assertEvent,
  assign,
  type DoneActorEvent,
  enqueueActions,
  type ErrorActorEvent,
  setup,
} from "xstate";
import { OverloadedError } from "../lib/ask.ts";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { beginWork, endWork, idle, refuse, type Served, type Serving } from "../lib/serve.ts";
import { documentMachine } from "./document.ts";
import type { Ask, AsksOf, Inbox } from "./protocol.ts";

export const MAX_IN_FLIGHT = 100;
/** Files that are read or wait for a reader; no fewer than the updates that the bot handles at once. */
export const MAX_DOCUMENTS = 100;
const DRAIN_MS = 30_000;

interface Context extends Serving {
  note: string;
  /** Documents on their way to ready or refused. */
  documents: number;
  received: number;
}

type Event = Inbox<"library"> | DoneActorEvent<Served | undefined> | ErrorActorEvent;

export const libraryMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  actors: {
    document: documentMachine,
    work: notProvided<Served, Exclude<AsksOf<"library">, Ask<"library.add">>>("work"),
    /** Starts what reads files; gives a line about it. */
    open: notProvided<string>("open"),
    close: notProvided<void>("close"),
  },
  guards: {
    isFull: ({ context }) => context.inFlight >= MAX_IN_FLIGHT,
    hasTooManyDocuments: ({ context }) => context.documents >= MAX_DOCUMENTS,
    isIdle: ({ context }) => context.inFlight + context.documents === 0,
  },
  actions: {
    reportReady,
    receive: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "library.add");
      enqueue.spawnChild("document", { id: `document.${context.received}`, input: event });
      enqueue.assign({ received: context.received + 1, documents: context.documents + 1 });
    }),
    forgetDocument: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      enqueue.stopChild(event.actorId);
      enqueue.assign({ documents: context.documents - 1 });
    }),
    begin: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "library.search");
      beginWork(context, event, enqueue);
    }),
    end: enqueueActions(({ context, event, enqueue }) => {
      if ("actorId" in event) endWork(context, event, enqueue);
    }),
    refuse: ({ event }) => {
      if ("replyTo" in event) refuse("library", event);
    },
    refuseDocument: ({ event }) => {
      assertEvent(event, "library.add");
      event.replyTo.reject(new OverloadedError("library"));
    },
  },
}).createMachine({
  id: "library",
  context: { ...idle, note: "", documents: 0, received: 0 },
  on: {
    "xstate.done.actor.work.*": { actions: "end" },
    "xstate.done.actor.document.*": { actions: "forgetDocument" },
    "xstate.error.actor.document.*": { actions: "forgetDocument" },
    "library.*": { actions: "refuse" },
  },
  initial: "opening",
  states: {
    opening: {
      invoke: {
        id: "open",
        src: "open",
        onDone: {
          target: "ready",
          actions: [assign({ note: ({ event }) => event.output }), "reportReady"],
        },
      },
      on: { stop: "closing" },
    },
    ready: {
      on: {
        "library.add": [
          { guard: "hasTooManyDocuments", actions: "refuseDocument" },
          { actions: "receive" },
        ],
        "library.search": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        stop: "draining",
      },
    },
    draining: {
      always: { guard: "isIdle", target: "closing" },
      after: { [DRAIN_MS]: "closing" },
    },
    closing: { invoke: { id: "close", src: "close", onDone: "stopped" } },
    stopped: { type: "final" },
  },
});
