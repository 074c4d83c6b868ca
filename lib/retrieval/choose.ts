/** Which passages go into the prompt: the best that fit, or all where all fit. */
import type { RankedPassage } from "./bm25.ts";

export interface Choosable {
  id: number;
  /** Tokens of each passage, by ordinal. */
  passageTokens: readonly number[];
}

/**
 * At most `budget` tokens of passages, best first. Documents that fit whole are
 * taken whole: what no term has found follows, in its order.
 */
export function choose(
  ranked: readonly RankedPassage[],
  documents: readonly Choosable[],
  budget: number,
): RankedPassage[] {
  const tokensOf = new Map(documents.map(({ id, passageTokens }) => [id, passageTokens]));
  if (tokensIn(documents) <= budget) return [...ranked, ...unranked(ranked, documents)];

  const chosen: RankedPassage[] = [];
  let spent = 0;
  for (const passage of ranked) {
    const tokens = tokensOf.get(passage.documentId)?.[passage.ordinal] ?? 0;
    if (spent + tokens > budget) continue;
    spent += tokens;
    chosen.push(passage);
  }
  return chosen;
}

/** Tokens of all the passages. */
export function tokensIn(documents: readonly Choosable[]): number {
  return documents.flatMap(({ passageTokens }) => passageTokens)
    .reduce((sum, tokens) => sum + tokens, 0);
}

function unranked(
  ranked: readonly RankedPassage[],
  documents: readonly Choosable[],
): RankedPassage[] {
  const found = new Set(ranked.map(({ documentId, ordinal }) => `${documentId}:${ordinal}`));
  return documents.flatMap(({ id, passageTokens }) =>
    passageTokens.map((_, ordinal) => ({ documentId: id, ordinal, score: 0 }))
  ).filter(({ documentId, ordinal }) => !found.has(`${documentId}:${ordinal}`));
}
