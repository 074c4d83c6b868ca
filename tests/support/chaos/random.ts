/** Chance that can be had again: the same seed gives the same faults in the same order. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** @throws {RangeError} on an empty list */
  pick<T>(list: readonly T[]): T;
  /** The same entries in another order. */
  shuffle<T>(list: readonly T[]): T[];
}

/** Mulberry32: small, even enough, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick(list) {
      if (list.length === 0) throw new RangeError("Cannot pick from an empty list");
      return list[between(0, list.length - 1)] as (typeof list)[number];
    },
    shuffle: (list) =>
      list.map((entry) => ({ entry, at: next() })).sort((a, b) => a.at - b.at)
        .map(({ entry }) => entry),
  };
}
