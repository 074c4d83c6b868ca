/**
 * How an actor answers asks: each ask becomes a short-lived child, so that a
 * slow one never holds up another, and what is in flight is counted, bounded
 * and drained. The pieces here go into `setup()` of every machine that serves.
 */
import { fromPromise, type PromiseActorLogic } from "xstate";
import type { ReplyTo } from "../actors/protocol.ts";
import { OverloadedError, type System } from "./ask.ts";
import { type ChildNumbers, giveBack, noChildren, takeNumbers } from "./child_numbers.ts";

/** Any ask, as far as serving needs to know it. */
export interface AnyAsk {
  type: string;
  replyTo: ReplyTo<never, never>;
  signal: AbortSignal;
}

/** Context of a machine that serves asks. */
export interface Serving {
  /** They name the children. */
  numbers: ChildNumbers;
  inFlight: number;
}

export const idle: Serving = { numbers: noChildren, inFlight: 0 };

/** What became of one ask, for the machine that serves it. */
export interface Served {
  /** Present when the ask was rejected with it. */
  error?: unknown;
}

/**
 * Answers one ask with what `handle` returns or throws. `handle` gets a signal
 * that aborts when the asker gives up or `signal` does.
 */
export async function answerAsk(
  ask: AnyAsk,
  signal: AbortSignal,
  handle: (signal: AbortSignal) => Promise<unknown>,
): Promise<Served> {
  try {
    const reply = await handle(AbortSignal.any([ask.signal, signal]));
    ask.replyTo.resolve(reply as never);
    return {};
  } catch (error) {
    ask.replyTo.reject(error);
    return { error };
  }
}

/** The child that answers one ask by `handle`; its signal also aborts when the actor is killed. */
export function serving<A extends AnyAsk>(
  handle: (ask: A, signal: AbortSignal, system: System) => Promise<unknown>,
): PromiseActorLogic<Served, A> {
  return fromPromise<Served, A>(({ input, signal, system }) =>
    answerAsk(input, signal, (either) => handle(input, either, system))
  );
}

/** Starts the child `work` for what an ask needs; its id `work.<n>` lets a machine match `….work.*`. */
export function beginWork<Work>(
  context: Serving,
  work: Work,
  enqueue: {
    spawnChild(src: "work", options: { id: string; input: Work }): void;
    assign(change: Serving): void;
  },
): void {
  const [[number], numbers] = takeNumbers(context.numbers, 1);
  enqueue.spawnChild("work", { id: `work.${number}`, input: work });
  enqueue.assign({ numbers, inFlight: context.inFlight + 1 });
}

/** Forgets a child `work` that is over; a finished child stays listed until it is stopped. */
export function endWork(
  context: Serving,
  event: { actorId: string },
  enqueue: { stopChild(id: string): void; assign(change: Serving): void },
): void {
  enqueue.stopChild(event.actorId);
  enqueue.assign({
    numbers: giveBack(context.numbers, event.actorId),
    inFlight: context.inFlight - 1,
  });
}

/** Tells the asker that `actor` has too much to do. */
export function refuse(actor: string, ask: AnyAsk): void {
  ask.replyTo.reject(new OverloadedError(actor));
}
