/**
 * What is looked for when a question is asked: its own words without those that
 * only say how to answer, and the words that a document has for what it asks about.
 */
import { GLOSSARY } from "./glossary.ts";
import { termsOf } from "./terms.ts";

/** Orders to whoever answers; they would match passages that have nothing to do with it. */
const INSTRUCTIONS = [
  /\b(?:assume (?:that )?)?you are an? [^.,:;?!]*[.,:;]/gi,
  /\bif [^.?!]*\bthen state\b[^.?!]*[.?!]?/gi,
  /\b(?:please )?(?:round|give|state|answer|express)\b[^.?!,]*\b(?:decimals?|places?|percent(?:age)?|millions?|billions?|thousands?)\b[^.?!,]*[.?!,]?/gi,
  /(?:^|[\s,.(])(?:округлите|ответьте|дайте ответ|укажите ответ)[^.?!,]*(?:знак|процент|тысяч|миллион|миллиард|рубл|коротко|кратко)[^.?!,]*[.?!,]?/gi,
];

/** What is searched for, as terms that are each there once. */
export interface SearchedTerms {
  /** Of the question itself. */
  own: readonly string[];
  /** Of what it asks about, as a document words it. */
  added: readonly string[];
}

/** The terms of a question. */
export function searchedTerms(question: string): SearchedTerms {
  let bare = question;
  for (const instruction of INSTRUCTIONS) bare = bare.replace(instruction, " ");
  if (!/[\p{L}\p{N}]/u.test(bare)) bare = question;
  const own = new Set(termsOf(bare));
  const words = GLOSSARY.filter(([asked]) => asked.test(bare)).map(([, found]) => found);
  return { own: [...own], added: [...new Set(termsOf(words.join("\n"))).difference(own)] };
}
