/**
 * The port to a language model, and the words of a question and its answer.
 * Adapters (`gemini.ts`, …) implement `Provider`; nothing else knows a vendor.
 */
import type { FoundPassage } from "../library.ts";
import type { Language } from "../texts/texts.ts";

/** A finished exchange of the conversation, oldest first in a list. */
export interface Turn {
  question: string;
  answer: string;
}

export interface AnswerRequest {
  /** Identical requests in flight with the same key share one call. */
  key: string;
  /** Whose turn it takes; waiting requests are served fairly between users. */
  userId: number;
  language: Language;
  question: string;
  /** In document order; the prompt labels each with its place. */
  passages: readonly FoundPassage[];
  history: readonly Turn[];
}

/** Why the passages stand in for a model's answer. */
export type NoAnswerReason =
  | "offline"
  | "unavailable"
  | "rate_limit"
  | "quota"
  | "blocked"
  | "timeout";

export type AnswerReply =
  | {
    kind: "answer";
    text: string;
    provider: string;
    model: string;
    promptTokens: number;
    answerTokens: number;
  }
  | { kind: "passages"; reason: NoAnswerReason };

export interface Generated {
  text: string;
  promptTokens: number;
  answerTokens: number;
}

/** A prompt as any provider takes it: the document first, the question last. */
export interface Prompt {
  system: string;
  user: string;
}

export interface Provider {
  /** Lower-case vendor name, as it stands in metrics and logs: `gemini`, `openai`. */
  readonly name: string;
  readonly model: string;
  /**
   * Generates an answer, handing on its text piece by piece.
   *
   * @throws {AIServiceError} or one of its kinds, see `errors.ts`
   */
  generate(
    prompt: Prompt,
    onChunk: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Generated>;
}
