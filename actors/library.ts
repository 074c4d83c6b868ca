/**
 * The users' documents: takes a file through its life as a `document` child,
 * a bounded number at once and fair between users, finds the passages that a
 * question needs, asks the rows of tables, and has voice notes heard. Its child
 * `embedding` gives passages their vectors in the background.
 */
import {
  assertEvent,
  assign,
  type DoneActorEvent,
  enqueueActions,
  type ErrorActorEvent,
  sendTo,
  setup,
} from "xstate";
import { OverloadedError } from "../lib/ask.ts";
import { giveBack, takeNumbers } from "../lib/child_numbers.ts";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { takeTurns, type Waiting } from "../lib/turns.ts";
import { beginWork, endWork, idle, refuse, type Served, type Serving } from "../lib/serve.ts";
import { documentMachine, type TurnEvent } from "./document.ts";
import { embeddingMachine } from "./embedding.ts";
import type { Ask, AsksOf, Inbox } from "./protocol.ts";

export const MAX_IN_FLIGHT = 100;
/** Files that are read or wait for a reader; no fewer than the updates that the bot handles at once. */
export const MAX_DOCUMENTS = 100;
const DRAIN_MS = 30_000;

/** Set where the system is put together. */
export interface LibraryInput {
  /** Files read at once. */
  readers: number;
  /** Whether a model embeds. */
  embeds: boolean;
}

const DEFAULTS: LibraryInput = { readers: 2, embeds: false };

interface Context extends Serving, LibraryInput {
  note: string;
  /** Documents on their way to ready or refused. */
  documents: number;
  /** Documents that wait for a reader, and those that have one. */
  waiting: readonly Waiting[];
  running: readonly Waiting[];
}

/** What the library answers beside adding documents. */
export type LibraryWork = Exclude<AsksOf<"library">, Ask<"library.add">>;

type Event =
  | Inbox<"library">
  | TurnEvent
  | DoneActorEvent<Served | undefined>
  | ErrorActorEvent;

export const libraryMachine = setup({
  types: { context: {} as Context, events: {} as Event, input: {} as LibraryInput | undefined },
  actors: {
    document: documentMachine,
    embedding: embeddingMachine,
    work: notProvided<Served, LibraryWork>("work"),
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
      const [[number], numbers] = takeNumbers(context.numbers, 1);
      const id = `document.${number}`;
      enqueue.spawnChild("document", { id, input: { id, ask: event } });
      enqueue.assign({ numbers, documents: context.documents + 1 });
    }),
    forgetDocument: enqueueActions(({ context, event, enqueue }) => {
      if (!("actorId" in event)) return;
      const id = event.actorId;
      enqueue.stopChild(id);
      enqueue.assign({
        numbers: giveBack(context.numbers, id),
        documents: context.documents - 1,
        waiting: context.waiting.filter((document) => document.id !== id),
      });
      enqueue("endTurn");
    }),
    wakeEmbedding: sendTo("embedding", { type: "wake" }),
    queue: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "document.waits");
      const { id, userId } = event;
      enqueue.assign({ waiting: [...context.waiting, { id, userId }] });
      enqueue("startWhoseTurnItIs");
    }),
    endTurn: enqueueActions(({ context, event, enqueue }) => {
      const id = "actorId" in event ? event.actorId : "id" in event ? event.id : "";
      enqueue.assign({ running: context.running.filter((document) => document.id !== id) });
      enqueue("startWhoseTurnItIs");
    }),
    startWhoseTurnItIs: enqueueActions(({ context, enqueue }) => {
      const { start, waiting } = takeTurns(context.waiting, context.running, context.readers);
      if (start.length === 0) return;
      enqueue.assign({ waiting, running: [...context.running, ...start] });
      for (const { id } of start) enqueue.sendTo(id, { type: "go" });
    }),
    begin: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, [
        "library.search",
        "library.query",
        "library.rows",
        "library.hear",
      ]);
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
  context: ({ input }) => ({
    ...idle,
    ...(input ?? DEFAULTS),
    note: "",
    documents: 0,
    waiting: [],
    running: [],
  }),
  on: {
    "xstate.done.actor.work.*": { actions: "end" },
    "xstate.done.actor.document.*": { actions: "forgetDocument" },
    "xstate.error.actor.document.*": { actions: "forgetDocument" },
    "document.waits": { actions: "queue" },
    "document.read": { actions: "endTurn" },
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
      invoke: {
        id: "embedding",
        src: "embedding",
        input: ({ context }) => ({ isOn: context.embeds }),
      },
      on: {
        "xstate.done.actor.document.*": { actions: ["forgetDocument", "wakeEmbedding"] },
        "library.add": [
          { guard: "hasTooManyDocuments", actions: "refuseDocument" },
          { actions: "receive" },
        ],
        "library.search": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        "library.query": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        "library.rows": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        "library.hear": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
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
