/**
 * What an answer claims where it cites a place, and how much of it a text
 * holds: its figures, and its words as far as both are in one language. Pure.
 */
import { termsOf } from "../retrieval/terms.ts";

/** What a sentence says, as terms that can be looked for. */
export interface Claim {
  /** Amounts, dates and numbers, each in its one form; years and single digits stand everywhere. */
  figures: ReadonlySet<string>;
  words: ReadonlySet<string>;
}

const EVERYWHERE = /^(?:\d|(?:19|20)\d\d)$/;
/** A figure that no two pages have by chance. */
const TELLING = /^\d{3,}|\./;
/** Fewer words are no sentence. */
const MIN_WORDS = 4;
/** Shares of a claim's words that are next to none and most of them. */
const HARDLY = 0.2;
const MOSTLY = 0.6;

/** The claim that `text` ends with: the last sentence of its last line. */
export function lastClaim(text: string): Claim {
  const line = text.trimEnd().split("\n").at(-1) ?? "";
  const sentence = line.split(/(?<=[.!?…])\s+/).findLast((part) => /[\p{L}\p{N}]/u.test(part));
  return claimOf(sentence ?? "");
}

/** The claim of a text as a whole. */
export function claimOf(text: string): Claim {
  const terms = termsOf(text);
  const isFigure = (term: string) => /^\d/.test(term);
  return {
    figures: new Set(terms.filter((term) => isFigure(term) && !EVERYWHERE.test(term))),
    words: new Set(terms.filter((term) => !isFigure(term))),
  };
}

/** All terms of a text. */
export function termSet(text: string): ReadonlySet<string> {
  return new Set(termsOf(text));
}

/** How much of the claim a text with these terms holds; figures count more than words. */
export function supportOf({ figures, words }: Claim, terms: ReadonlySet<string>): number {
  return 2 * share(figures, terms) + share(words, terms);
}

/**
 * Whether the claim plainly rests on `there` and not on `here`. In doubt it says
 * no: an answer sums up, computes and translates, so its words need not stand anywhere.
 */
export function isElsewhere(
  { figures, words }: Claim,
  here: ReadonlySet<string>,
  there: ReadonlySet<string>,
): boolean {
  const [hereWords, thereWords] = [share(words, here), share(words, there)];
  if (figures.size > 0) {
    if (share(figures, here) > 0 || share(figures, there) < 1) return false;
    const isTelling = [...figures].some((figure) => TELLING.test(figure));
    // In another language no word is the same, and a figure alone may be a sum or rounded.
    return thereWords >= HARDLY && thereWords >= hereWords + (isTelling ? 0 : HARDLY);
  }
  return words.size >= MIN_WORDS && hereWords <= HARDLY && thereWords >= MOSTLY;
}

function share(wanted: ReadonlySet<string>, terms: ReadonlySet<string>): number {
  return wanted.size === 0 ? 0 : wanted.intersection(terms).size / wanted.size;
}
