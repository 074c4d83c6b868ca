/**
 * How many tokens a question needs. Passages far behind the best one hold none
 * of the answer, and every token of a prompt costs money and time.
 */
import type { RankedPassage } from "./bm25.ts";
import { type Choosable, tokensIn } from "./choose.ts";

/** Documents that have no more go in whole. */
const WHOLE_TOKENS = 8_000;
/** What goes out where the best passage stands clear. */
const LEAST_TOKENS = 4_000;
/** Passages with less than this share of the best score are left out. */
const NEAR = 0.15;

/**
 * @param ranked by words: the scores are compared with one another
 * @param budget of tokens, which is never exceeded
 */
export function tokensNeeded(
  ranked: readonly RankedPassage[],
  documents: readonly Choosable[],
  budget: number,
): number {
  const [best] = ranked;
  if (best === undefined || tokensIn(documents) <= WHOLE_TOKENS) return budget;
  const tokensOf = new Map(documents.map(({ id, passageTokens }) => [id, passageTokens]));
  const near = ranked.filter(({ score }) => score >= best.score * NEAR)
    .reduce((sum, { documentId, ordinal }) => sum + (tokensOf.get(documentId)?.[ordinal] ?? 0), 0);
  return Math.min(budget, Math.max(LEAST_TOKENS, near));
}
