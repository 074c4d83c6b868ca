/**
 * A running actor system, seen from outside: its start-up steps, its children
 * for operators, its orderly end.
 */
import { type AnyActorRef, createActor } from "xstate";
import { type ChildSpec, createSupervisor } from "../actors/supervisor.ts";
import { type System, tell } from "./ask.ts";
import type { Config } from "./config.ts";
import type { ActorInfo } from "./http/app.ts";
import { logger } from "./log.ts";

/** One child has started. */
export interface StartStep {
  /** 1-based. */
  step: number;
  steps: number;
  id: string;
  /** What it found, for the operator. */
  note: string;
  /** Milliseconds since the step before. */
  ms: number;
}

export interface Running {
  readonly system: System;
  /** Resolves when every child has started; rejects when the start has failed or was stopped. */
  readonly started: Promise<void>;
  /** Resolves when every child has stopped, with the reason if it was a failure. */
  readonly ended: Promise<{ failure?: unknown }>;
  /** Stops every child in order; `ended` tells when. */
  stop(): void;
  /** Whether all children have started and none has been asked to stop. */
  isReady(): boolean;
  actors(): ActorInfo[];
}

/** What a system is run for: the bot, or questions from the terminal alone. */
export type Purpose = "bot" | "terminal";

/** Builds and starts a system; `main.ts` has the one that is real. */
export type StartSystem = (
  config: Config,
  purpose: Purpose,
  onStep: (step: StartStep) => void,
) => Promise<Running>;

/** Starts `children` under a supervisor. */
export function run(children: readonly ChildSpec[], onStep: (step: StartStep) => void): Running {
  const log = logger("supervisor");
  const supervisor = createActor(createSupervisor(children));
  const startedAt = new Map<string, number>();
  const restarts = new Map<string, number>();
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ failure?: unknown }>();
  // Whoever is only interested in the end need not look at the start.
  started.promise.catch(() => {});
  let last = performance.now();

  supervisor.on("child.started", ({ id, note }) => {
    const now = performance.now();
    const isFirst = !startedAt.has(id);
    startedAt.set(id, now);
    if (!isFirst) return log.info("{id} is running again: {note}", { id, note });
    onStep({ step: startedAt.size, steps: children.length, id, note, ms: now - last });
    last = now;
  });
  supervisor.on("child.failed", ({ id, error }) => {
    restarts.set(id, (restarts.get(id) ?? 0) + 1);
    log.error("{id} failed and will be restarted: {error}", { id, error });
    tell(supervisor.system, "metrics.count", { name: "actor.restarts", tags: { actor: id } });
  });
  supervisor.on("child.killed", ({ id }) => log.warn("{id} did not stop in its time", { id }));
  supervisor.on("child.stopped", ({ id }) => log.debug("{id} has stopped", { id }));
  supervisor.subscribe({
    next: ({ value }) => value === "running" && started.resolve(),
    error: (error) => {
      started.reject(error);
      ended.resolve({ failure: error });
    },
    complete: () => {
      const failure = supervisor.getSnapshot().output?.failure;
      started.reject(failure ?? new Error("Cannot finish the start as it was stopped"));
      ended.resolve(failure === undefined ? {} : { failure });
    },
  });
  supervisor.start();

  return {
    system: supervisor.system,
    started: started.promise,
    ended: ended.promise,
    stop: () => supervisor.send({ type: "stop" }),
    isReady: () => supervisor.getSnapshot().value === "running",
    actors: () => children.map(({ id }) => describe(id, supervisor.system.get(id))),
  };

  function describe(name: string, actor: AnyActorRef | undefined): ActorInfo {
    const snapshot = actor?.getSnapshot();
    const inHand = snapshot?.context?.inFlight ?? snapshot?.context?.running?.length ?? 0;
    const since = startedAt.get(name) ?? performance.now();
    return {
      name,
      state: snapshot === undefined ? "down" : stateName(snapshot.value),
      restarts: restarts.get(name) ?? 0,
      mailbox: inHand,
      uptime: Math.floor((performance.now() - since) / 1_000),
    };
  }
}

/** A state's path: `redis.up.resting`; parallel parts are joined by a comma. */
export function stateName(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value).map(([key, inner]) => {
    const rest = stateName(inner);
    return rest === "" ? key : `${key}.${rest}`;
  }).join(",");
}
