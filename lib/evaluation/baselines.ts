/**
 * What retrieval is measured against: the beginning of the document, and plain
 * BM25 over pieces of 200 words, with whole words alone. Pure.
 */
import { estimateTokens } from "../retrieval/tokens.ts";
import { wordsOf } from "./coverage.ts";

const PIECE_WORDS = 200;
const K1 = 1.2;
const B = 0.75;
/** Endings that are cut off, so that plurals and cases are found at all. */
const STEM_LETTERS = 6;

/** The first `budget` tokens of a document. */
export function beginning(pages: readonly string[], budget: number): string {
  const pieces = piecesOf(pages);
  let spent = 0;
  const taken = pieces.filter((piece) => (spent += estimateTokens(piece)) <= budget);
  return taken.join("\n");
}

/** The best pieces for a question, in document order. */
export function plainBm25(pages: readonly string[], question: string, budget: number): string {
  const pieces = piecesOf(pages);
  const terms = pieces.map((piece) => wordsOf(piece).map(crude));
  const average = terms.reduce((sum, { length }) => sum + length, 0) / (terms.length || 1);
  const scores = pieces.map(() => 0);
  for (const term of new Set(wordsOf(question).map(crude))) {
    const counts = terms.map((all) => all.filter((each) => each === term).length);
    const holding = counts.filter((count) => count > 0).length;
    const rarity = Math.log(1 + (pieces.length - holding + 0.5) / (holding + 0.5));
    for (const [n, count] of counts.entries()) {
      const norm = K1 * (1 - B + B * (terms[n]?.length ?? 0) / average);
      scores[n] = (scores[n] ?? 0) + rarity * count * (K1 + 1) / (count + norm);
    }
  }
  const chosen: number[] = [];
  let spent = 0;
  for (const n of pieces.keys().toArray().sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))) {
    const tokens = estimateTokens(pieces[n] ?? "");
    if (spent + tokens > budget) continue;
    spent += tokens;
    chosen.push(n);
  }
  return chosen.sort((a, b) => a - b).map((n) => pieces[n]).join("\n");
}

function piecesOf(pages: readonly string[]): string[] {
  const words = pages.join("\n").match(/\S+\s*/g) ?? [];
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += PIECE_WORDS) {
    pieces.push(words.slice(at, at + PIECE_WORDS).join(""));
  }
  return pieces;
}

function crude(word: string): string {
  return word.slice(0, STEM_LETTERS);
}
