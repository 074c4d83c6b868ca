/** What both vendors' embeddings have in common: their time, their check and their count. Pure. */
import { estimateTokens } from "../retrieval/tokens.ts";
import { AIServiceError } from "./errors.ts";
import { type EmbeddingKind, QUESTION_EMBEDDING_MS } from "./provider.ts";

/** The most milliseconds that one call may take, where any other may take `timeoutMs`. */
export function embeddingMs(kind: EmbeddingKind, timeoutMs: number): number {
  return kind === "question" ? Math.min(timeoutMs, QUESTION_EMBEDDING_MS) : timeoutMs;
}

/** Tokens of all the texts, where the provider does not count them. */
export function estimatedTokens(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + estimateTokens(text), 0);
}

/**
 * Vectors of `count` texts as numbers, all of one length.
 *
 * @throws {AIServiceError} that another try may mend, when they are anything else
 */
export function checkedVectors(
  vectors: readonly (readonly number[])[] | undefined,
  count: number,
  options: ErrorOptions = {},
): Float32Array[] {
  const lengths = new Set(vectors?.map(({ length }) => length));
  if (vectors?.length !== count || lengths.size > 1 || lengths.has(0)) {
    throw new AIServiceError("its embeddings are malformed", { retriable: true, ...options });
  }
  return vectors.map((vector) => Float32Array.from(vector));
}
