/** Two rankings of passages, by words and by meaning, become one. Pure. */
import type { RankedPassage } from "./bm25.ts";

/**
 * How little the first places count for more than the next ones; 60 is what
 * Cormack, Clarke and Büttcher (2009) found for reciprocal rank fusion.
 */
const K = 60;

/** A ranking by meaning. */
export interface Meaning {
  /** The nearest first. */
  ranked: readonly RankedPassage[];
  /** The documents that were compared; of others nothing is known. */
  documentIds: ReadonlySet<number>;
}

/**
 * All passages of both rankings, best first, by the sum of their reciprocal
 * ranks. A passage of a document without vectors has only its rank by words,
 * which then counts for both: it is not put behind for what is not known of it.
 */
export function fuse(words: readonly RankedPassage[], meaning: Meaning): RankedPassage[] {
  const fused = new Map<string, RankedPassage>();
  const add = ({ documentId, ordinal }: RankedPassage, score: number) => {
    const key = `${documentId}:${ordinal}`;
    const entry = fused.get(key) ?? { documentId, ordinal, score: 0 };
    entry.score += score;
    fused.set(key, entry);
  };
  for (const [n, passage] of words.entries()) {
    const rankings = meaning.documentIds.has(passage.documentId) ? 1 : 2;
    add(passage, rankings / (K + n + 1));
  }
  for (const [n, passage] of meaning.ranked.entries()) add(passage, 1 / (K + n + 1));
  // The sort is stable: of equals the one that was found by its words goes first.
  return [...fused.values()].sort((a, b) => b.score - a.score);
}
