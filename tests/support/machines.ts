/** What machine tests share: letting promises settle, and one clock for all timers. */
import { type AnyActorLogic, createActor, fromCallback, setup, SimulatedClock } from "xstate";
import { createSupervisor, type RestartPolicy } from "../../actors/supervisor.ts";
import { reportReady } from "../../lib/lifecycle.ts";

/** Runs everything that waits only for promises. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 50; n++) await Promise.resolve();
}

export interface FakeChildOptions {
  /** Ignores `stop`. */
  stubborn?: boolean;
  /** Never reports that it is ready. */
  slow?: boolean;
}

/** A child that is ready at once, writes what happens to it, and obeys `stop`. */
export function fakeChild(
  id: string,
  journal: string[],
  options: FakeChildOptions = {},
): AnyActorLogic {
  return setup({
    types: {
      context: {} as { note: string },
      events: {} as { type: "stop" | "crash" | "end" },
    },
    actors: { untilStopped: fromCallback(() => () => journal.push(`~${id}`)) },
  }).createMachine({
    context: { note: `${id} is up` },
    // The options are read at each start, so that a test can make a restart slow.
    entry: [() => journal.push(`+${id}`), (args) => options.slow || reportReady(args)],
    invoke: { src: "untilStopped" },
    initial: "up",
    states: {
      up: {
        on: {
          crash: {
            actions: () => {
              throw new Error(`${id} crashed`);
            },
          },
          end: "down",
          ...(options.stubborn ? {} : { stop: "down" }),
        },
      },
      down: { type: "final", entry: () => journal.push(`-${id}`) },
    },
  });
}

/** Starts a supervisor over fake children; `odd` says which of them are stubborn or slow. */
export function startSupervisor(
  ids: readonly string[],
  odd: Readonly<Record<string, FakeChildOptions>> = {},
  policy?: RestartPolicy,
) {
  const journal: string[] = [];
  const clock = new SimulatedClock();
  const children = ids.map((id) => ({ id, logic: fakeChild(id, journal, odd[id]) }));
  const supervisor = createActor(createSupervisor(children, policy), { clock });
  const emitted: string[] = [];
  supervisor.on("*", (event) => emitted.push(`${event.type} ${event.id}`));
  supervisor.start();
  return { journal, clock, supervisor, emitted };
}
