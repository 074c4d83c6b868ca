/** A document in parts that each fit into a prompt, in its order. Pure. */
import type { FoundPassage } from "../library.ts";
import { estimateTokens } from "../retrieval/tokens.ts";

/** @param budget the most tokens of a part; a single passage may have more */
export function inParts(passages: readonly FoundPassage[], budget: number): FoundPassage[][] {
  const inOrder = passages.toSorted((a, b) => a.ordinal - b.ordinal);
  return grouped(inOrder, ({ tokens }) => tokens, budget);
}

/** The same of notes, in the order in which they are given. */
export function textsInParts(texts: readonly string[], budget: number): string[][] {
  return grouped(texts, estimateTokens, budget);
}

function grouped<T>(items: readonly T[], tokensOf: (item: T) => number, budget: number): T[][] {
  const groups: T[][] = [];
  let left = 0;
  for (const item of items) {
    const tokens = tokensOf(item);
    left -= tokens;
    if (left < 0 || groups.length === 0) {
      groups.push([]);
      left = budget - tokens;
    }
    groups.at(-1)?.push(item);
  }
  return groups;
}
