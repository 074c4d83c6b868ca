/** Okapi BM25 over an inverted index (Robertson and Zaragoza, 2009). */
import type { Posting } from "../library.ts";

/** How soon a term's repetitions stop to count. */
const K1 = 1.2;
/** How much a long passage is held against it. */
const B = 0.75;

export interface RankedPassage {
  documentId: number;
  ordinal: number;
  /** Above 0; comparable within one ranking only. */
  score: number;
}

export interface RankedDocument {
  id: number;
  /** Indexed terms of each passage, by ordinal. */
  lengths: readonly number[];
}

/**
 * All passages that hold one of the terms, best first. Rarity is counted over
 * all the documents together, so their passages compete with one another.
 *
 * @param added terms that the question does not have itself; together they weigh no more than its own
 */
export function rank(
  documents: readonly RankedDocument[],
  postings: readonly (Posting & { documentId: number })[],
  added: ReadonlySet<string> = new Set(),
): RankedPassage[] {
  const lengths = new Map(documents.map((document) => [document.id, document.lengths]));
  const all = documents.flatMap((document) => document.lengths);
  const average = all.reduce((sum, length) => sum + length, 0) / (all.length || 1) || 1;
  const frequency = new Map<string, number>();
  for (const { term, ordinals } of postings) {
    frequency.set(term, (frequency.get(term) ?? 0) + ordinals.length);
  }
  const weights = new Map([...frequency].map(([term, n]) => [term, rarity(n, all.length)]));
  const weightOf = (terms: Iterable<string>) =>
    [...terms].reduce((sum, term) => sum + (weights.get(term) ?? 0), 0);
  const own = weightOf(new Set(weights.keys()).difference(added));
  const share = own === 0 ? 1 : Math.min(1, own / weightOf(added));
  const scores = new Map<string, RankedPassage>();
  for (const { documentId, term, ordinals, counts } of postings) {
    const weight = (weights.get(term) ?? 0) * (added.has(term) ? share : 1);
    for (const [n, ordinal] of ordinals.entries()) {
      const count = counts[n] ?? 0;
      const length = lengths.get(documentId)?.[ordinal] ?? average;
      const norm = K1 * (1 - B + B * length / average);
      const key = `${documentId}:${ordinal}`;
      const entry = scores.get(key) ?? { documentId, ordinal, score: 0 };
      entry.score += weight * count * (K1 + 1) / (count + norm);
      scores.set(key, entry);
    }
  }
  return [...scores.values()].sort(byScore);
}

/** The best first; equals in the documents' order. */
export function byScore(a: RankedPassage, b: RankedPassage): number {
  return b.score - a.score || a.documentId - b.documentId || a.ordinal - b.ordinal;
}

/** How much a term tells that `holding` of `all` passages hold. */
function rarity(holding: number, all: number): number {
  return Math.log(1 + (all - holding + 0.5) / (holding + 0.5));
}
