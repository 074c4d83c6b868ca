/** A document in parts that each fit into a prompt, in its order. Pure. */
import type { FoundPassage } from "../library.ts";

/** @param budget the most tokens of a part */
export function partsOf(passages: readonly FoundPassage[], budget: number): FoundPassage[][] {
  const parts: FoundPassage[][] = [];
  let left = 0;
  for (const passage of passages.toSorted((a, b) => a.ordinal - b.ordinal)) {
    left -= passage.tokens;
    if (left < 0) {
      parts.push([]);
      left = budget - passage.tokens;
    }
    parts.at(-1)?.push(passage);
  }
  return parts;
}
