/**
 * Whether chosen passages hold the evidence of a question: most of its words
 * within one window of about its length. Pure.
 */

/** As much of the evidence must be there. */
const ENOUGH = 0.8;
/** Half of a page's words make the page count as chosen. */
const HALF = 0.5;

/** A question with its known evidence, as a line of a question set has it. */
export interface EvidenceQuestion {
  /** Texts that hold the answer; all are needed. */
  evidence: readonly string[];
  /** Any one of `evidence` is enough. */
  evidence_any?: boolean | undefined;
  /** 1-based; the only evidence where `evidence` is empty. */
  pages: readonly number[];
}

/** The words of a text, alike however they are written. */
export function wordsOf(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().replaceAll("ё", "е").match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * @param chosen the passages' text, in document order
 * @param pageWords all words of each page of the document, by its number
 */
export function isCovered(
  question: EvidenceQuestion,
  chosen: string,
  pageWords: ReadonlyMap<number, readonly string[]>,
): boolean {
  const words = wordsOf(chosen);
  if (question.evidence.length === 0) {
    const counts = countsOf(words);
    return question.pages.every((page) => shareOf(pageWords.get(page) ?? [], counts) >= HALF);
  }
  const holds = (evidence: string) => isHeld(wordsOf(evidence), words);
  return question.evidence_any ? question.evidence.some(holds) : question.evidence.every(holds);
}

/** Whether one window of `words` holds enough of `wanted`, repetitions counted. */
function isHeld(wanted: readonly string[], words: readonly string[]): boolean {
  if (wanted.length === 0) return true;
  const needed = countsOf(wanted);
  const width = Math.max(Math.ceil(wanted.length * 1.5), wanted.length + 15);
  const within = new Map<string, number>();
  let held = 0;
  for (const [n, word] of words.entries()) {
    const count = (within.get(word) ?? 0) + 1;
    within.set(word, count);
    if (count <= (needed.get(word) ?? 0)) held++;
    const left = words[n - width];
    if (left !== undefined) {
      const before = within.get(left) ?? 0;
      within.set(left, before - 1);
      if (before <= (needed.get(left) ?? 0)) held--;
    }
    if (held >= wanted.length * ENOUGH) return true;
  }
  return false;
}

function countsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** The share of `wanted` that is among the counted words. */
function shareOf(wanted: readonly string[], counts: ReadonlyMap<string, number>): number {
  if (wanted.length === 0) return 0;
  let held = 0;
  for (const [word, count] of countsOf(wanted)) held += Math.min(count, counts.get(word) ?? 0);
  return held / wanted.length;
}
