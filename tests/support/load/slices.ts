/**
 * A slower machine for each of several processes on one that has too few
 * processors: each runs in its own slice of time and stands still in all others,
 * so that more of them do not take each other's processor away.
 */
import type { LoadedBot } from "./bots.ts";

const SLICES = 4;
const SLICE_MS = 20;

export interface Sliced extends AsyncDisposable {
  /** The share of the time in which each process ran, on average. */
  share(): number;
}

/** @param bots at most as many as there are slices; they run on freely at the end */
export function inSlices(bots: readonly LoadedBot[]): Sliced {
  let isOver = false;
  let ranMs = 0;
  const begun = performance.now();
  for (const bot of bots) bot.kill("SIGSTOP");

  async function turn(): Promise<void> {
    for (let n = 0; !isOver; n = (n + 1) % SLICES) {
      const bot = bots[n];
      const began = performance.now();
      bot?.kill("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
      bot?.kill("SIGSTOP");
      if (bot !== undefined) ranMs += performance.now() - began;
    }
    for (const bot of bots) bot.kill("SIGCONT");
  }
  const turning = turn();

  return {
    share: () => ranMs / bots.length / (performance.now() - begun),
    async [Symbol.asyncDispose]() {
      isOver = true;
      await turning;
    },
  };
}
