/** What the words of a question may be in a document of the other language. Pure. */
import { translationsOf } from "./dictionary.ts";
import { termsOf } from "./terms.ts";
import { transliterationsOf } from "./transliteration.ts";

/** Fewer words of a question than this share stand in a document of its own language only by chance. */
const FOREIGN_SHARE = 0.5;

/**
 * Whether a question seems to be in another language than the documents: most
 * of its words stand nowhere in them.
 */
export function isForeign(own: readonly string[], found: ReadonlySet<string>): boolean {
  const words = own.filter((term) => !/\d/.test(term));
  return words.filter((term) => found.has(term)).length < words.length * FOREIGN_SHARE;
}

/**
 * Terms of the other language for those words of `question` that were not found:
 * translations by the dictionary, or else spellings in the other alphabet, of
 * the word as it stands and without its ending.
 *
 * @param unfound terms of `question`
 */
export function inOtherLanguage(question: string, unfound: readonly string[]): string[] {
  const words = question.toLowerCase().replaceAll("ё", "е").match(/\p{L}+/gu) ?? [];
  const others = words.flatMap((word) => {
    const [term] = termsOf(word);
    if (term === undefined || !unfound.includes(term)) return [];
    const translations = translationsOf(term);
    if (translations.length > 0) return translations;
    return [...transliterationsOf(word), ...transliterationsOf(term)];
  });
  return [...new Set(others)];
}
