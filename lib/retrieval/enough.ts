/**
 * How many tokens a question needs. Where one passage holds nearly all that the
 * question asks about, the best few thousand tokens go out and not the whole
 * budget: every token of a prompt costs money and time.
 */
import type { FoundPosting } from "../db/document_queries.ts";
import { type RankedPassage, rarity } from "./bm25.ts";

/** Documents that have no more go in whole. */
const WHOLE_TOKENS = 8_000;
/** What goes out where the best passage stands clear. */
const CLEAR_TOKENS = 4_000;
/** Of what is asked about, weighed by rarity, so much in one passage answers it. */
const CLEAR_SHARE = 0.7;

/**
 * @param terms of the question itself
 * @param best the passage that matches best
 * @param passages count of all that were searched
 * @param tokens of all the documents together
 */
export function tokensNeeded(
  { terms, best, postings, passages, tokens, budget }: {
    terms: readonly string[];
    best: RankedPassage | undefined;
    postings: readonly FoundPosting[];
    passages: number;
    tokens: number;
    budget: number;
  },
): number {
  if (best === undefined || tokens <= WHOLE_TOKENS) return budget;
  const holding = new Map<string, number>();
  const inBest = new Set<string>();
  for (const { term, documentId, ordinals } of postings) {
    holding.set(term, (holding.get(term) ?? 0) + ordinals.length);
    if (documentId === best.documentId && ordinals.includes(best.ordinal)) inBest.add(term);
  }
  let all = 0;
  let held = 0;
  for (const term of terms) {
    const weight = rarity(holding.get(term) ?? 0, passages);
    all += weight;
    if (inBest.has(term)) held += weight;
  }
  return all > 0 && held >= all * CLEAR_SHARE ? Math.min(budget, CLEAR_TOKENS) : budget;
}
