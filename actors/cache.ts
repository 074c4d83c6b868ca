/**
 * The cache as an actor: Redis when configured, else the process's own memory.
 * When Redis is gone the memory serves at once, and Redis is taken back as
 * soon as it answers. A cache never makes an answer fail.
 */
import { assign, type DoneActorEvent, enqueueActions, fromCallback, setup } from "xstate";
import type { RedisReport } from "../lib/cache/redis.ts";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import { beginWork, endWork, idle, refuse, type Served, type Serving } from "../lib/serve.ts";
import type { AsksOf, Inbox } from "./protocol.ts";

export const MAX_IN_FLIGHT = 500;
export const PING_MS = 30_000;
/** How long the first connection may take before the memory serves instead. */
export const CONNECT_MS = 5_000;
const DRAIN_MS = 2_000;

/** An ask, and the store that answers it. */
export type CacheWork = AsksOf<"cache"> & { where: "redis" | "memory" };

export interface CacheInput {
  /** Whether a Redis is configured at all. */
  hasRedis: boolean;
}

interface Context extends Serving, CacheInput {
  note: string;
  /** Where asks go now. */
  where: CacheWork["where"];
}

type Event = Inbox<"cache"> | RedisReport | DoneActorEvent<Served>;

export const cacheMachine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as CacheInput | undefined,
  },
  actors: {
    /** Holds the one Redis connection while it runs, and reports what becomes of it. */
    connection: fromCallback<Event>(() => {}),
    /** Fails when Redis does not answer. */
    ping: notProvided<void>("ping"),
    work: notProvided<Served, CacheWork>("work"),
  },
  delays: { pingInterval: PING_MS, connectTimeout: CONNECT_MS, drainTimeout: DRAIN_MS },
  guards: {
    isFull: ({ context }) => context.inFlight >= MAX_IN_FLIGHT,
    isIdle: ({ context }) => context.inFlight === 0,
    hasRedis: ({ context }) => context.hasRedis,
  },
  actions: {
    reportReady,
    begin: enqueueActions(({ context, event, enqueue }) => {
      if (!("replyTo" in event)) return;
      beginWork(context, { ...event, where: context.where }, enqueue);
    }),
    end: enqueueActions(({ context, event, enqueue }) => {
      if ("actorId" in event) endWork(context, event, enqueue);
    }),
    refuse: ({ event }) => {
      if ("replyTo" in event) refuse("cache", event);
    },
    useRedis: assign({ where: "redis" }),
    useMemory: assign({ where: "memory" }),
    noteRedis: assign({
      note: ({ event }) => event.type === "redis.up" ? `Redis ${event.version}` : "Redis",
    }),
  },
}).createMachine({
  id: "cache",
  context: ({ input }) => ({
    ...idle,
    note: "in the process",
    hasRedis: input?.hasRedis ?? false,
    where: "memory",
  }),
  on: { "xstate.done.actor.work.*": { actions: "end" } },
  initial: "deciding",
  states: {
    deciding: { always: [{ guard: "hasRedis", target: "redis" }, { target: "memory" }] },
    memory: {
      entry: "reportReady",
      on: {
        "cache.*": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        stop: "draining",
      },
    },
    redis: {
      invoke: { id: "connection", src: "connection" },
      on: {
        "cache.*": [{ guard: "isFull", actions: "refuse" }, { actions: "begin" }],
        stop: "draining",
      },
      initial: "connecting",
      states: {
        connecting: {
          on: {
            "redis.up": { target: "up", actions: ["noteRedis", "reportReady"] },
          },
          after: {
            connectTimeout: {
              target: "away",
              actions: [
                assign({ note: "Redis does not answer; in the process until it does" }),
                "reportReady",
              ],
            },
          },
        },
        up: {
          entry: "useRedis",
          exit: "useMemory",
          on: { "redis.down": "away" },
          initial: "resting",
          states: {
            resting: { after: { pingInterval: "pinging" } },
            pinging: {
              invoke: {
                id: "ping",
                src: "ping",
                onDone: "resting",
                onError: "#cache.redis.away",
              },
            },
          },
        },
        // The adapter reconnects by itself; a report says when it is back.
        away: {
          on: { "redis.up": "up" },
          after: { pingInterval: "asking" },
        },
        asking: {
          on: { "redis.up": "up" },
          invoke: { id: "askAgain", src: "ping", onDone: "up", onError: "away" },
        },
      },
    },
    draining: {
      always: { guard: "isIdle", target: "stopped" },
      after: { drainTimeout: "stopped" },
      on: { "cache.*": { actions: "refuse" } },
    },
    stopped: { type: "final" },
  },
});
