/**
 * How the world speaks to actors: `ask` for a reply, with chunks before it
 * where the message streams, and `tell` where none is needed. Actors are looked
 * up by name at each send, so a restarted actor is found again by itself.
 */
import type { AnyActorRef } from "xstate";
import type { AskName, Body, Chunk, Reply, TellName } from "../actors/protocol.ts";
import { deadLetter } from "./dead_letters.ts";

/** The addressed actor is not running, or stopped before it replied. */
export class ActorUnavailableError extends Error {
  /** Tells the class also across a process's border. */
  override name = "ActorUnavailableError";
  /** `actor` is its name, such as `db`. */
  constructor(actor: string, options?: ErrorOptions) {
    super(`Cannot reach actor '${actor}' as it is not running`, options);
  }
}

/** The reply did not come in time; the callee's signal was aborted with this. */
export class AskTimeoutError extends Error {
  /** Tells the class also across a process's border. */
  override name = "AskTimeoutError";
  /** `type` is the message that was not answered. */
  constructor(type: string, timeoutMs: number) {
    super(`Cannot wait longer for '${type}' as ${timeoutMs} ms have passed`);
  }
}

/** The actor has as much work in flight as it takes; ask again later. */
export class OverloadedError extends Error {
  /** Tells the class also across a process's border. */
  override name = "OverloadedError";
  /** `actor` is its name, such as `ai`. */
  constructor(actor: string) {
    super(`Cannot accept the request as '${actor}' is at its limit`);
  }
}

/** How long to wait for a reply, and what to do meanwhile. */
export interface AskOptions<M extends AskName> {
  /**
   * How long to wait for the reply, in milliseconds.
   *
   * @default 5000
   */
  timeoutMs?: number;
  /** The caller's own deadline; the callee receives it combined with the time-out. */
  signal?: AbortSignal;
  /** Receives what is streamed before the reply. */
  onChunk?: (chunk: Chunk<M>) => void;
}

/**
 * Where actors are found by their names; an actor system of xstate is one.
 *
 * @internal
 */
export interface System {
  /** The running actor of this name, if there is one. */
  get(name: string): AnyActorRef | undefined;
}

/**
 * Sends a request and waits for its reply, the time-out, or the death of the
 * callee. Work never outlives its ask: the callee's signal is aborted when the
 * wait ends without a reply.
 *
 * @throws {ActorUnavailableError} when the actor is not running or stops
 * @throws {AskTimeoutError} after `timeoutMs`
 * @throws {OverloadedError} when the actor is at its limit
 */
export async function ask<M extends AskName>(
  system: System,
  type: M,
  body: Body<M>,
  { timeoutMs = 5_000, signal, onChunk }: AskOptions<M> = {},
): Promise<Reply<M>> {
  signal?.throwIfAborted();
  const name = actorOf(type);
  const target: AnyActorRef | undefined = system.get(name);
  if (target?.getSnapshot().status !== "active") {
    deadLetter(system, type);
    throw new ActorUnavailableError(name);
  }

  const { promise, resolve, reject } = Promise.withResolvers<Reply<M>>();
  const deadline = new AbortController();
  const giveUp = (reason: unknown) => {
    deadline.abort(reason);
    reject(reason);
  };
  const onAbort = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => giveUp(new AskTimeoutError(type, timeoutMs)), timeoutMs);
  const watch = target.subscribe({
    error: (cause) => giveUp(new ActorUnavailableError(name, { cause })),
    complete: () => giveUp(new ActorUnavailableError(name)),
  });
  const chunk = (piece: Chunk<M>) => onChunk?.(piece);
  try {
    target.send({ ...body, type, replyTo: { chunk, resolve, reject }, signal: deadline.signal });
    return await promise;
  } finally {
    clearTimeout(timer);
    watch.unsubscribe();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Sends a message that is not answered; a dead letter if the actor is not running. */
export function tell<M extends TellName>(system: System, type: M, body: Body<M>): void {
  const target: AnyActorRef | undefined = system.get(actorOf(type));
  if (target?.getSnapshot().status === "active") target.send({ ...body, type });
  else deadLetter(system, type);
}

function actorOf(message: string): string {
  return message.slice(0, message.indexOf("."));
}
