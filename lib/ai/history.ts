/** What of a conversation goes into a prompt: the newest turns, within a limit. Pure. */
import { estimateTokens } from "../retrieval/tokens.ts";
import type { Turn } from "./provider.ts";

/** Of all the turns together. */
const MAX_TOKENS = 3_000;
/** A longer answer is told by its beginning, where the answer itself stands. */
const MAX_LETTERS = 2_000;

/** @param turns oldest first, as the result is */
export function recentTurns(turns: readonly Turn[]): Turn[] {
  let left = MAX_TOKENS;
  const recent: Turn[] = [];
  for (const { question, answer } of turns.toReversed()) {
    const turn = { question: shortened(question), answer: shortened(answer) };
    left -= estimateTokens(turn.question) + estimateTokens(turn.answer);
    if (left < 0) break;
    recent.unshift(turn);
  }
  return recent;
}

function shortened(text: string): string {
  return text.length <= MAX_LETTERS ? text : `${text.slice(0, MAX_LETTERS)} …`;
}
