/** How many tokens a model will count for a text: an estimate on the safe side. */
import { estimateTokenCount } from "tokenx";

/** The estimator counts Cyrillic short by about this much, against Gemma's own tokenizer. */
const CYRILLIC_FACTOR = 1.15;
/** Letters of a token by the usual rule of thumb; models whose tokens are longer have room to spare. */
const CYRILLIC_LETTERS = 2.5;
const OTHER_LETTERS = 4;

/**
 * Estimated tokens of `text`, never fewer than the rule of thumb has; Cyrillic
 * counts more than Latin for the same length.
 */
export function estimateTokens(text: string): number {
  const estimate = estimateTokenCount(text);
  const cyrillic = text.match(/\p{Script=Cyrillic}/gu)?.length ?? 0;
  const share = text.length === 0 ? 0 : cyrillic / text.length;
  // A Cyrillic text's blanks and marks are part of its tokens.
  const letters = share > 0.3 ? CYRILLIC_LETTERS : OTHER_LETTERS;
  return Math.ceil(
    Math.max(estimate * (1 + (CYRILLIC_FACTOR - 1) * share), text.length / letters),
  );
}
