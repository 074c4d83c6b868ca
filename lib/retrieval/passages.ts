/** Cuts a document's sections into passages: short enough to choose from, whole enough to be understood. */
import type { Section } from "../library.ts";

/** Words in a passage, about. */
const WORDS = 150;
/** No word of a language is longer. */
const LONG_WORD = 50;
/** A rest shorter than this joins the passage before it. */
const MIN_WORDS = 40;

export interface Cut {
  page: number;
  heading: readonly string[];
  text: string;
}

/**
 * Passages of at most about `WORDS` words, in order, within one section each:
 * cut between lines, then sentences, then words. Nothing is lost or repeated.
 */
export function cutSections(sections: Iterable<Section>): Cut[] {
  const cuts: Cut[] = [];
  for (const { page, heading, text } of sections) {
    for (const part of cutText(text)) cuts.push({ page, heading, text: part });
  }
  return cuts;
}

function cutText(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let words = 0;
  for (const piece of piecesOf(text)) {
    const count = countWords(piece);
    if (words > 0 && words + count > WORDS) {
      parts.push(part);
      part = "";
      words = 0;
    }
    part += piece;
    words += count;
  }
  const last = parts.at(-1);
  if (words > 0 && words < MIN_WORDS && last !== undefined) parts[parts.length - 1] = last + part;
  else if (words > 0) parts.push(part);
  return parts.map((whole) => whole.trim());
}

/** Lines; a line longer than a passage by sentences, and a longer sentence by words. */
function* piecesOf(text: string): Generator<string> {
  for (const line of text.split(/(?<=\n)/)) {
    if (countWords(line) <= WORDS) yield line;
    else {
      for (const sentence of line.split(/(?<=[.!?…;]\s)/)) {
        if (countWords(sentence) <= WORDS) yield sentence;
        else for (const word of sentence.split(/(?<=\s)/)) yield* shortened(word);
      }
    }
  }
}

/** A word, or pieces of what is far too long for one. */
function* shortened(word: string): Generator<string> {
  for (let at = 0; at < word.length; at += LONG_WORD * WORDS) {
    yield word.slice(at, at + LONG_WORD * WORDS);
  }
}

/** A run of signs without a blank counts by its length: what a program wrote is no single word. */
function countWords(text: string): number {
  let words = 0;
  for (const [word] of text.matchAll(/\S+/g)) words += Math.ceil(word.length / LONG_WORD);
  return words;
}
