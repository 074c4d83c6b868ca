/** What a bot under load has in memory, once its garbage is collected. */
import type { LoadedBot } from "./bots.ts";
import type { LoadTelegram } from "./telegram.ts";

/** For the environment of a bot whose memory is asked for. */
export const COLLECTABLE = { DENO_V8_FLAGS: "--expose-gc" };

/** In megabytes. */
export interface Memory {
  /** All that the process holds, with what it keeps for later. */
  rss: number;
  /** JavaScript objects and their buffers. */
  heap: number;
}

export async function memoryOf(telegram: LoadTelegram, { host }: LoadedBot): Promise<Memory> {
  const { rss, heap } = JSON.parse(await telegram.say(host, "heap"));
  return { rss: rss / 2 ** 20, heap: heap / 2 ** 20 };
}

const TEXTS = ["/stats", "When does the walrus sleep?", "/mydocs"];

/** What people say in turn: commands, questions, and numbers. */
export function textOf(update: number): string {
  return TEXTS[update % 4] ?? String(update);
}

/** By how much values grow from one to the next: the slope of the line that fits them best. */
export function slope(values: readonly number[]): number {
  const mean = (all: readonly number[]) => all.reduce((sum, each) => sum + each, 0) / all.length;
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  const covariance = mean(values.map((value, n) => (n - middle) * (value - average)));
  return covariance / mean(values.map((_, n) => (n - middle) ** 2));
}
