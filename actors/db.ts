/**
 * The database as an actor: one message is one unit of work. While the
 * connection is away, asks are refused at once instead of piling up, and the
 * connection is tried again until it is back.
 */
import { assign, type DoneActorEvent, enqueueActions, setup } from "xstate";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { beginWork, endWork, idle, refuse, type Served, type Serving } from "../lib/serve.ts";
import type { AsksOf, Inbox } from "./protocol.ts";

export const MAX_IN_FLIGHT = 200;
const MAX_BACKOFF_MS = 5_000;
const DRAIN_MS = 4_000;

/** The database does not answer just now; the same ask may succeed in a moment. */
export class DatabaseUnavailableError extends Error {
  override name = "DatabaseUnavailableError";
  constructor(options?: ErrorOptions) {
    super("Cannot run the query as the database is not reachable", options);
  }
}

/** What a unit of work came to; `lost` when the connection broke under it. */
export interface DbServed extends Served {
  lost?: boolean;
}

interface Context extends Serving {
  note: string;
  /** Failed attempts to connect since the last success. */
  failures: number;
}

type Event = Inbox<"db"> | DoneActorEvent<DbServed>;

export const dbMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  actors: {
    /** Opens the connection; gives the server's name and version. */
    connect: notProvided<string>("connect"),
    /** Brings the schema up to date; gives how many migrations it applied. */
    migrate: notProvided<number>("migrate"),
    work: notProvided<DbServed, AsksOf<"db">>("work"),
    close: notProvided<void>("close"),
  },
  delays: {
    backoff: ({ context }) => Math.min(100 * 2 ** context.failures, MAX_BACKOFF_MS),
    drainTimeout: DRAIN_MS,
  },
  guards: {
    isFull: ({ context }) => context.inFlight >= MAX_IN_FLIGHT,
    isIdle: ({ context }) => context.inFlight === 0,
    connectionLost: ({ event }) => "output" in event && event.output?.lost === true,
  },
  actions: {
    reportReady,
    begin: enqueueActions(({ context, event, enqueue }) => {
      if ("replyTo" in event) beginWork(context, event, enqueue);
    }),
    end: enqueueActions(({ context, event, enqueue }) => {
      if ("actorId" in event) endWork(context, event, enqueue);
    }),
    refuse: ({ event }) => {
      if ("replyTo" in event) refuse("db", event);
    },
    refuseAsAway: ({ event }) => {
      if ("replyTo" in event) event.replyTo.reject(new DatabaseUnavailableError());
    },
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgetFailures: assign({ failures: 0 }),
  },
}).createMachine({
  id: "db",
  context: { ...idle, note: "", failures: 0 },
  on: { "xstate.done.actor.work.*": { actions: "end" } },
  initial: "connecting",
  states: {
    connecting: {
      invoke: {
        id: "connect",
        src: "connect",
        onDone: {
          target: "migrating",
          actions: assign({ note: ({ event }) => event.output }),
        },
      },
      on: { stop: "closing", "db.*": { actions: "refuseAsAway" } },
    },
    migrating: {
      invoke: {
        id: "migrate",
        src: "migrate",
        onDone: {
          target: "ready",
          actions: [
            assign({
              note: ({ context, event: { output: applied } }) =>
                `${context.note}, ${applied} migration${applied === 1 ? "" : "s"} applied`,
            }),
            "reportReady",
          ],
        },
      },
      on: { stop: "closing", "db.*": { actions: "refuseAsAway" } },
    },
    ready: {
      on: {
        "db.*": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        "xstate.done.actor.work.*": [
          { guard: "connectionLost", target: "reconnecting", actions: "end" },
          { actions: "end" },
        ],
        stop: "draining",
      },
    },
    reconnecting: {
      initial: "waiting",
      on: { "db.*": { actions: "refuseAsAway" }, stop: "draining" },
      states: {
        waiting: { after: { backoff: "connecting" } },
        connecting: {
          invoke: {
            id: "reconnect",
            src: "connect",
            onDone: { target: "#db.ready", actions: "forgetFailures" },
            onError: { target: "waiting", actions: "countFailure" },
          },
        },
      },
    },
    draining: {
      always: { guard: "isIdle", target: "closing" },
      after: { drainTimeout: "closing" },
      on: { "db.*": { actions: "refuse" } },
    },
    closing: {
      invoke: { id: "close", src: "close", onDone: "stopped" },
      on: { "db.*": { actions: "refuse" } },
    },
    stopped: { type: "final" },
  },
});
