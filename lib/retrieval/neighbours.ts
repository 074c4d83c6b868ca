/**
 * A passage is worth more beside a good one: an answer, its table or its
 * statement goes on where a cut has parted it. Pure.
 */
import { byScore, type RankedDocument, type RankedPassage } from "./bm25.ts";

/** Of the better neighbour's score, so much comes to a passage. */
const SHARE = 0.4;

/**
 * The ranking with each passage's better neighbour counted in. A passage that
 * holds no term itself joins it where a neighbour holds one.
 */
export function shareWithNeighbours(
  ranked: readonly RankedPassage[],
  documents: readonly RankedDocument[],
): RankedPassage[] {
  const counts = new Map(documents.map(({ id, lengths }) => [id, lengths.length]));
  const scores = new Map<number, Map<number, number>>();
  for (const { documentId, ordinal, score } of ranked) {
    let ofDocument = scores.get(documentId);
    if (ofDocument === undefined) scores.set(documentId, ofDocument = new Map());
    ofDocument.set(ordinal, score);
  }
  const shared: RankedPassage[] = [];
  for (const [documentId, own] of scores) {
    const around = new Set([...own.keys()].flatMap((n) => [n - 1, n, n + 1]));
    for (const ordinal of around) {
      if (ordinal < 0 || ordinal >= (counts.get(documentId) ?? 0)) continue;
      const better = Math.max(own.get(ordinal - 1) ?? 0, own.get(ordinal + 1) ?? 0);
      shared.push({ documentId, ordinal, score: (own.get(ordinal) ?? 0) + SHARE * better });
    }
  }
  return shared.sort(byScore);
}
