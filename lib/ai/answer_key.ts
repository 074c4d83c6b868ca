/**
 * Under which key an answer is cached, and when it must not be: the same words
 * asked of the same content are the same question, unless they lean on what was said before.
 */
import type { Language } from "../texts/texts.ts";
import { PROMPT_VERSION } from "./prompt.ts";

/** All that an answer depends on. */
export interface AnswerKeyParts {
  /** In any order, with the SHA-256 of their content, hex. */
  documents: readonly { sha256: string; name: string }[];
  /** As the user wrote it. */
  question: string;
  /** Language of the labels that the answer cites. */
  language: Language;
  /** Who answers: `<provider>/<model>`. */
  model: string;
}

/** The cache key of an answer: `answer:` and 64 hex digits. */
export async function answerKey(parts: AnswerKeyParts): Promise<string> {
  const identity = JSON.stringify([
    identitiesOf(parts.documents),
    normalise(parts.question),
    parts.language,
    parts.model,
    PROMPT_VERSION,
  ]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(identity));
  return `answer:${new Uint8Array(digest).toHex()}`;
}

/** An answer from several documents names them, so it is of no use where they have other names. */
function identitiesOf(documents: AnswerKeyParts["documents"]): string[] {
  const all = documents.map(({ sha256, name }) =>
    documents.length > 1 ? `${sha256} ${name}` : sha256
  );
  return [...new Set(all)].sort();
}

/**
 * Whether the question is likely to mean something else in another
 * conversation. In doubt it says so: that only costs a call, while a cached
 * answer to another question would be wrong.
 */
export function leansOnConversation(question: string): boolean {
  const words = normalise(question).match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first, second] = words;
  if (first === undefined || OPENERS.has(first)) return true;
  if (second !== undefined && PHRASES.has(`${first} ${second}`)) return true;
  if (words.every((word) => BARE.has(word))) return true;
  if (words.length <= 3 && PREPOSITIONS.has(first)) return true;
  return words.length <= 6 && words.some((word) => PRONOUNS.has(word));
}

function normalise(question: string): string {
  return question
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\s+/g, " ")
    .replace(/[\s?!.,;:…]+$/, "")
    .trim();
}

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

/** First words that continue something. */
const OPENERS = wordSet(
  "and but or also then so it its they their he she this that these those " +
    "а и но или также тогда ещё еще он она оно они его её ее их это этот эта эти тот та те",
);

const PHRASES: ReadonlySet<string> = new Set([
  "what about",
  "how about",
  "same for",
  "что насчёт",
  "что насчет",
  "как насчёт",
  "как насчет",
  "то же",
]);

/** A question of these words alone names no subject. */
const BARE = wordSet(
  "why how when who where which what much many not come exactly else more one ones so please " +
    "tell me explain continue elaborate details shorter longer again " +
    "почему зачем как когда кто где куда откуда какой какая какое какие сколько что именно так " +
    "нет не ещё еще же подробнее поясни объясни продолжай продолжи короче дальше снова пожалуйста",
);

/** A few words after one of these are a fragment: "in 2021?", «за март?». */
const PREPOSITIONS = wordSet("in for on at by with before after в на за по для с со до после при");

const PRONOUNS = wordSet(
  "it its they them their he him his she her " +
    "он она оно они его её ее их ему ей им ним ней нём нем них него неё нее этого этом этому",
);
