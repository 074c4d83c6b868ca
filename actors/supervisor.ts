/**
 * The root of the actor system: starts its children in the listed order,
 * restarts one that fails, and stops them in the reverse order. What happens
 * is emitted, so that start-up steps and restarts can be shown and counted.
 */
import {
  type AnyActorLogic,
  assign,
  type DoneActorEvent,
  enqueueActions,
  type ErrorActorEvent,
  setup,
} from "xstate";
import type { ChildReport, Lifecycle } from "./protocol.ts";

export interface ChildSpec {
  /** Both the child's id and its `systemId`. */
  id: string;
  logic: AnyActorLogic;
  /** What the logic is started with, at each start. */
  input?: unknown;
  /**
   * How long the child may take to report `child.ready`, in milliseconds.
   *
   * @default 10000
   */
  startMs?: number;
  /**
   * How long the child may take to finish after `stop` before it is killed, in milliseconds.
   *
   * @default 5000
   */
  stopMs?: number;
}

export interface RestartPolicy {
  /** The supervisor gives up at more than `maxRestarts` within `periodMs`. */
  maxRestarts: number;
  periodMs: number;
  /** Delay before a restart; doubled for each restart in the period. */
  backoffMs: number;
}

/** What the supervisor tells those who subscribe to it with `on`. */
export type SupervisorEmitted =
  | { type: "child.started"; id: string; note: string }
  | { type: "child.failed"; id: string; error: unknown }
  | { type: "child.stopped" | "child.killed"; id: string };

/** A child did not report `child.ready` within its time. */
export class ChildOverdueError extends Error {
  override name = "ChildOverdueError";
  constructor(id: string) {
    super(`Cannot start '${id}' as it was not ready within its time`);
  }
}

/** A child ended although nobody had asked it to. */
export class ChildEndedError extends Error {
  override name = "ChildEndedError";
  constructor(id: string) {
    super(`Cannot go on as '${id}' ended without being asked to`);
  }
}

const DEFAULT_POLICY: RestartPolicy = { maxRestarts: 5, periodMs: 60_000, backoffMs: 500 };
const DEFAULT_START_MS = 10_000;
const DEFAULT_STOP_MS = 5_000;

interface Context {
  /** How many children have been started; the last of them is `children[started - 1]`. */
  started: number;
  /** Restarts within the current period. */
  restarts: number;
  /** Children that failed and are not running now. */
  down: readonly string[];
  failure?: unknown;
}

type Event =
  | Lifecycle
  | ChildReport
  | { type: "restart" | "overdue" | "child.gone"; id: string }
  | { type: "forgive" }
  | ErrorActorEvent
  | DoneActorEvent;

export function createSupervisor(children: readonly ChildSpec[], policy = DEFAULT_POLICY) {
  const last = ({ started }: Context) => children[started - 1];
  const specOf = (id: string) => children.find((child) => child.id === id);
  const startMsOf = (id: string) => specOf(id)?.startMs ?? DEFAULT_START_MS;
  const overdueTimer = (id: string) => `overdue.${id}`;

  const fails = [
    { guard: "tooManyRestarts", target: "stopping", actions: ["markDown", "recordFailure"] },
    { actions: "scheduleRestart" },
  ] as const;
  const failsToStart = { target: "stopping", actions: ["markDown", "recordFailure"] } as const;
  const hasEnded = [
    { guard: "isLast", target: "stopping", reenter: true, actions: "dropLast" },
    { actions: "markDown" },
  ] as const;

  return setup({
    types: {
      context: {} as Context,
      events: {} as Event,
      emitted: {} as SupervisorEmitted,
      output: {} as { failure?: unknown },
    },
    actors: Object.fromEntries(children.map(({ id, logic }) => [id, logic])) as Record<
      string,
      AnyActorLogic
    >,
    delays: {
      startTimeout: ({ context }) => last(context)?.startMs ?? DEFAULT_START_MS,
      stopTimeout: ({ context }) => last(context)?.stopMs ?? DEFAULT_STOP_MS,
    },
    guards: {
      isLast: ({ context, event }) => childOf(event) === last(context)?.id,
      isFinalOne: ({ context, event }) =>
        childOf(event) === children.at(-1)?.id && context.started === children.length,
      noneLeft: ({ context }) => context.started === 0,
      tooManyRestarts: ({ context }) => context.restarts >= policy.maxRestarts,
      hasFailed: ({ context }) => context.failure !== undefined,
    },
    actions: {
      startNext: enqueueActions(({ context, enqueue }) => {
        const next = children[context.started];
        if (next === undefined) return;
        enqueue.assign({ started: context.started + 1 });
        enqueue.spawnChild(next.id, { id: next.id, systemId: next.id, input: next.input });
      }),
      announceReady: enqueueActions(({ event, enqueue }) => {
        if (event.type !== "child.ready" || !("note" in event)) return;
        enqueue.cancel(overdueTimer(event.id));
        enqueue.emit({ type: "child.started", id: event.id, note: event.note });
      }),
      askLastToStop: enqueueActions(({ context, enqueue }) => {
        const id = last(context)?.id;
        if (id === undefined) return;
        if (context.down.includes(id)) enqueue.raise({ type: "child.gone", id });
        else enqueue.sendTo(id, { type: "stop" });
      }),
      dropLast: enqueueActions(({ context, event, enqueue }) => {
        const id = last(context)?.id;
        if (id === undefined) return;
        enqueue.stopChild(id);
        enqueue.assign({ started: context.started - 1 });
        const killed = event.type.startsWith("xstate.after.");
        enqueue.emit({ type: killed ? "child.killed" : "child.stopped", id });
      }),
      scheduleRestart: enqueueActions(({ context, event, enqueue }) => {
        const id = childOf(event);
        if (id === undefined || context.down.includes(id)) return;
        enqueue.stopChild(id);
        enqueue.cancel(overdueTimer(id));
        enqueue.assign({ restarts: context.restarts + 1, down: [...context.down, id] });
        enqueue.raise({ type: "restart", id }, {
          delay: policy.backoffMs * 2 ** context.restarts,
        });
        enqueue.raise({ type: "forgive" }, { delay: policy.periodMs });
        enqueue.emit({ type: "child.failed", id, error: failureOf(event) });
      }),
      restart: enqueueActions(({ context, event, enqueue }) => {
        const id = childOf(event);
        if (id === undefined) return;
        enqueue.assign({ down: context.down.filter((other) => other !== id) });
        // The timer first: a child may report at once, and that cancels it.
        enqueue.raise({ type: "overdue", id }, { id: overdueTimer(id), delay: startMsOf(id) });
        enqueue.spawnChild(id, { id, systemId: id, input: specOf(id)?.input });
      }),
      forgive: assign({ restarts: ({ context }) => context.restarts - 1 }),
      markDown: assign({
        down: ({ context, event }) => {
          const id = childOf(event);
          return id === undefined ? context.down : [...context.down, id];
        },
      }),
      recordFailure: assign({ failure: ({ event }) => failureOf(event) }),
      recordOverdue: assign({
        failure: ({ context }) => new ChildOverdueError(last(context)?.id ?? "nothing"),
      }),
    },
  }).createMachine({
    id: "supervisor",
    context: { started: 0, restarts: 0, down: [] },
    output: ({ context }) => ({ failure: context.failure }),
    initial: "starting",
    states: {
      starting: {
        entry: "startNext",
        on: {
          "child.ready": [
            { guard: "isFinalOne", target: "running", actions: "announceReady" },
            { guard: "isLast", target: "starting", reenter: true, actions: "announceReady" },
          ],
          "xstate.error.actor.*": failsToStart,
          "xstate.done.actor.*": failsToStart,
          stop: "stopping",
        },
        after: { startTimeout: { target: "stopping", actions: "recordOverdue" } },
      },
      running: {
        on: {
          "child.ready": { actions: "announceReady" },
          "xstate.error.actor.*": fails,
          "xstate.done.actor.*": fails,
          overdue: fails,
          restart: { actions: "restart" },
          forgive: { actions: "forgive" },
          stop: "stopping",
        },
      },
      stopping: {
        entry: "askLastToStop",
        always: { guard: "noneLeft", target: "over" },
        on: {
          "child.gone": { target: "stopping", reenter: true, actions: "dropLast" },
          "xstate.done.actor.*": hasEnded,
          "xstate.error.actor.*": hasEnded,
        },
        after: { stopTimeout: { target: "stopping", reenter: true, actions: "dropLast" } },
      },
      over: { always: [{ guard: "hasFailed", target: "failed" }, { target: "stopped" }] },
      stopped: { type: "final" },
      failed: { type: "final" },
    },
  });
}

function childOf(event: Event): string | undefined {
  if ("actorId" in event) return event.actorId;
  if ("id" in event) return event.id;
}

function failureOf(event: Event): unknown {
  if ("error" in event) return event.error;
  const id = childOf(event) ?? "nothing";
  return event.type === "overdue" ? new ChildOverdueError(id) : new ChildEndedError(id);
}
