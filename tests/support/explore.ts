/** Walks a machine's state space, to prove what holds on every path through it. */
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFromLogic,
  initialTransition,
  type SnapshotFrom,
  transition,
} from "xstate";

/**
 * Every state that `machine` can reach by the events that `possible` names for
 * each state. Unlike `xstate/graph` it takes machines that spawn children with
 * a `systemId`.
 */
export function explore<M extends AnyStateMachine>(
  machine: M,
  possible: (state: SnapshotFrom<M>) => EventFromLogic<M>[],
): SnapshotFrom<M>[] {
  const [first] = initialTransition(machine, undefined as never);
  const seen = new Map<string, SnapshotFrom<M>>();
  const queue: SnapshotFrom<M>[] = [first];
  for (const state of queue) {
    const { value, context, status } = state as AnyMachineSnapshot;
    const key = JSON.stringify([value, context]);
    if (seen.has(key)) continue;
    seen.set(key, state);
    if (status !== "active") continue;
    for (const event of possible(state)) queue.push(transition(machine, state, event)[0]);
  }
  return [...seen.values()];
}
