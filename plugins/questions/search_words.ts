/** A question in one language about documents in the other: the AI gives the words to search for. */
import { answerKey } from "../../lib/ai/answer_key.ts";
import { readTerms } from "../../lib/ai/terms_prompt.ts";
import type { ProposalTokens } from "./table_answers.ts";
import type { Asking } from "./answering.ts";

const WORDS_TIMEOUT_MS = 60_000;

/** Words in both languages, kept for the next one who asks; empty where the AI gives none. */
export async function searchWords(
  asking: Asking,
  question: string,
): Promise<{ words: string; tokens: ProposalTokens }> {
  const { ask, language, settings, user } = asking;
  const tokens = { promptTokens: 0, answerTokens: 0 };
  if (settings.model === "offline") return { words: "", tokens };
  const key = `words:${await answerKey({
    documents: [],
    question,
    language,
    model: settings.model,
  })}`;
  const known = await ask("cache.get", { key });
  if (known !== undefined) return { words: known, tokens };
  const reply = await ask("ai.answer", {
    key,
    userId: user.id,
    language,
    question,
    passages: [],
    history: [],
    task: { kind: "words" },
  }, { timeoutMs: WORDS_TIMEOUT_MS });
  if (reply.kind !== "answer") return { words: "", tokens };
  const words = readTerms(reply.text);
  await ask("cache.set", { key, value: words, ttlSeconds: settings.cacheTtlSeconds });
  return { words, tokens: { promptTokens: reply.promptTokens, answerTokens: reply.answerTokens } };
}
