/**
 * A child that works on many things at once. One for all of them: with a child
 * for each, a machine copies the list of all with every one that begins or ends.
 */
import { type CallbackActorLogic, fromCallback, type NonReducibleUnknown } from "xstate";

/** What the crew is told. */
export interface CrewOrder<T> {
  type: "work";
  items: readonly T[];
}

/** What the crew says when so many are done. */
export interface CrewReport {
  type: "crew.done";
  count: number;
}

/**
 * The logic of a crew; its machine counts how many are in work.
 *
 * @param work never fails; its signal aborts when the crew is stopped
 */
export function crew<T>(
  work: (item: T, signal: AbortSignal) => Promise<void>,
): CallbackActorLogic<CrewOrder<T>, NonReducibleUnknown> {
  return fromCallback<CrewOrder<T>>(({ receive, sendBack }) => {
    const inWork = new Set<AbortController>();
    let done = 0;
    const report = () => {
      sendBack({ type: "crew.done", count: done } satisfies CrewReport);
      done = 0;
    };
    const begin = async (item: T) => {
      const controller = new AbortController();
      inWork.add(controller);
      try {
        await work(item, controller.signal);
      } finally {
        inWork.delete(controller);
        // Those that end together are told of together.
        if (done++ === 0) queueMicrotask(report);
      }
    };
    receive(({ items }) => {
      for (const item of items) begin(item);
    });
    return () => {
      for (const controller of inWork) controller.abort();
    };
  });
}
