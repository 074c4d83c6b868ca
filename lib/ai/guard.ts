/**
 * What a model has written, as it may be shown: a document can tell a model to
 * do what no reader has asked for, so its links and its secrets are looked at
 * before anybody sees them. Pure; one for each question.
 */
import type { FoundPassage } from "../library.ts";
import type { Language } from "../texts/texts.ts";
import { addressSet } from "./addresses.ts";
import { keepKnownLinks, settledPart } from "./links.ts";
import { SYSTEM } from "./prompt.ts";

/** So many words in a row are no accident. */
const RUN = 12;

/** Looks at an answer, while it is written and when it is complete. */
export interface AnswerGuard {
  /** The answer with the links that may stand in it; nothing when it gives away the prompt's rules. */
  checked(answer: string): string | undefined;
  /** The same of an answer that is still being written; a link at its end waits. */
  preview(beginning: string): string;
}

/** The guard of a question's answer, who knows the addresses that a reader may be sent to. */
export function guardAnswer(
  { question, passages, language }: {
    question: string;
    passages: readonly FoundPassage[];
    language: Language;
  },
): AnswerGuard {
  const sources = [question, ...passages.flatMap(({ heading, text }) => [...heading, text])];
  const known = addressSet(sources);
  // Somebody may ask about a document that holds the very rules.
  const quotable = sources.some(repeatsRules);
  const isTelling = (answer: string) => !quotable && repeatsRules(answer);
  return {
    checked: (answer) => isTelling(answer) ? undefined : keepKnownLinks(answer, known, language),
    preview: (beginning) =>
      isTelling(beginning) ? "" : keepKnownLinks(settledPart(beginning), known, language),
  };
}

const RULES: ReadonlySet<string> = new Set(runsOf(SYSTEM));

/** Whether a text has a dozen words of the rules in a row, whatever stands between them. */
function repeatsRules(text: string): boolean {
  return runsOf(text).some((run) => RULES.has(run));
}

function runsOf(text: string): string[] {
  const words = text.toLowerCase().replace(/\p{Cf}/gu, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(RUN - 1).map((_, n) => words.slice(n, n + RUN).join(" "));
}
