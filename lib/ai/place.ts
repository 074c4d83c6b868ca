/**
 * How a place in a document is named. The same words stand in the prompt, in
 * an answer's citations and under the passages, so they are made here alone.
 */
import type { Unit } from "../library.ts";
import type { Language } from "../texts/texts.ts";

const FORMS: Record<Language, Record<Unit, (page: number) => string>> = {
  en: {
    page: (n) => `p. ${n}`,
    sheet: (n) => `sheet ${n}`,
    slide: (n) => `slide ${n}`,
    chapter: (n) => `ch. ${n}`,
    part: (n) => `part ${n}`,
    minute: (n) => `${n} min`,
  },
  ru: {
    page: (n) => `с. ${n}`,
    sheet: (n) => `лист ${n}`,
    slide: (n) => `слайд ${n}`,
    chapter: (n) => `гл. ${n}`,
    part: (n) => `ч. ${n}`,
    minute: (n) => `${n} мин`,
  },
};

/** The place with the 1-based number `page`, as a citation names it: `p. 12`, `слайд 3`. */
export function placeLabel(unit: Unit, page: number, language: Language): string {
  return FORMS[language][unit](page);
}

/** What would end or split a citation or the prompt's tag around it, and what stands for it. */
const SIGNS: Readonly<Record<string, string>> = {
  "[": "(",
  "]": ")",
  ";": ",",
  '"': "'",
  "<": "‹",
  ">": "›",
};

/** A document's name as a citation can hold it: on one line, and without signs that would end it. */
export function citableName(name: string): string {
  return name
    // Some systems send "й" as two code points; models write one.
    .normalize("NFC")
    // Signs that are not seen, or that turn the order of those that are.
    .replace(/\p{Cf}/gu, "")
    .replace(/[[\];"<>]/g, (sign) => SIGNS[sign] ?? sign)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}
