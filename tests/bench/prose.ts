/**
 * Text to index, the same in each run: invented words, as often and as seldom
 * as words of a language are (Zipf's law), with the endings that stemming is
 * for, and figures, dates and headings between them.
 */
import type { Section } from "../../lib/library.ts";

export type ProseLanguage = "en" | "ru";

const STEMS = 12_000;
const WORDS_ON_PAGE = 300;
/** Words that nobody asks about, as they stand everywhere. */
const COMMONEST = 20;

const PARTS = {
  en: {
    begin: "b br c cl d dr f fl g gr h j k l m n p pl pr r s st str t tr v w".split(" "),
    vowel: "a e i o u ea ou ai".split(" "),
    end: "b ct d ft g l ll m n nd nt p r rd rt s ss st t x".split(" "),
    endings: ["", "", "", "s", "ed", "ing", "ation", "er", "ly"],
    small: "the of and to in a is for that by shall be on with as or it from this not".split(" "),
  },
  ru: {
    begin: "б бр в г гл гр д др ж з к кр л м н п пл пр р с ст стр т тр ф х".split(" "),
    vowel: "а е и о у ы я".split(" "),
    end: "б в г д ж з к л м н нт п р рт с ст т х ч ш".split(" "),
    endings: ["", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах", "ный", "ного", "ение", "ения"],
    small: "и в на с по не что для из к за от при как это или до о их также".split(" "),
  },
} as const;

/** A source of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

export interface Prose {
  /** A page under a heading. */
  page(number: number): Section;
  /** So many words, seldom and frequent ones, but for those that stand in every line. */
  question(words: number): string;
}

export function proseIn(language: ProseLanguage, random: () => number): Prose {
  const { begin, vowel, end, endings, small } = PARTS[language];
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const syllable = () => oneOf(begin) + oneOf(vowel);
  const stems = Array.from(
    { length: STEMS },
    (_, n) => (n % 3 === 0 ? "" : syllable()) + syllable() + oneOf(end),
  );
  /** By its rank: the tenth word is met ten times as seldom as the first. */
  const word = () => {
    if (random() < 0.35) return oneOf(small);
    return (stems[Math.floor(STEMS ** random()) - 1] ?? "") + oneOf(endings);
  };
  const figure = () => {
    const whole = Math.floor(10 ** (1 + random() * 6));
    return whole.toLocaleString(language) + (random() < 0.3 ? " EUR" : "");
  };
  const line = () =>
    Array.from({ length: 12 }, () => random() < 0.03 ? figure() : word()).join(" ") + ".";
  const asked = () =>
    (stems[Math.floor(COMMONEST * (STEMS / COMMONEST) ** random())] ?? "") + oneOf(endings);
  return {
    page: (number) => ({
      page: number,
      heading: [`${Math.ceil(number / 10)} ${word()} ${word()}`],
      text: Array.from({ length: WORDS_ON_PAGE / 12 }, line).join("\n"),
    }),
    question: (words) => Array.from({ length: words }, asked).join(" ") + "?",
  };
}
