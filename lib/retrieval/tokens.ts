/** How many tokens a model will count for a text: an estimate on the safe side. */
import { estimateTokenCount } from "tokenx";

/** The estimator counts Cyrillic short by about this much, against Gemma's own tokenizer. */
const CYRILLIC_FACTOR = 1.15;

/** Estimated tokens of `text`; Cyrillic counts more than Latin for the same length. */
export function estimateTokens(text: string): number {
  const estimate = estimateTokenCount(text);
  const cyrillic = text.match(/\p{Script=Cyrillic}/gu)?.length ?? 0;
  const share = text.length === 0 ? 0 : cyrillic / text.length;
  return Math.ceil(estimate * (1 + (CYRILLIC_FACTOR - 1) * share));
}
