/**
 * How Gemini is asked to turn texts into vectors, and how its answer is read.
 * For `gemini.ts`.
 */
import { z } from "zod";
import type { Embedded, EmbeddingKind } from "./provider.ts";
import { checkedVectors, estimatedTokens } from "./vectors.ts";

/** The most texts that Google takes in one call. */
export const EMBEDDING_BATCH = 100;
/** Of the model's 3,072, which are ordered by what they tell: so many keep nearly all of it. */
const DIMENSIONS = 768;
const TASKS: Readonly<Record<EmbeddingKind, string>> = {
  document: "RETRIEVAL_DOCUMENT",
  question: "RETRIEVAL_QUERY",
};

/** What a batch is answered with, as far as it is used. */
const EMBEDDINGS = z.object({
  embeddings: z.array(z.object({ values: z.array(z.number()) })),
});

/** One text of a batch. The SDK passes the count of dimensions on, though its types do not know it. */
export function embedRequest(text: string, kind: EmbeddingKind) {
  return {
    content: { role: "user", parts: [{ text }] },
    taskType: TASKS[kind],
    outputDimensionality: DIMENSIONS,
  };
}

/**
 * The vectors of an answer. The API counts no tokens of a batch, so we estimate them.
 *
 * @throws {AIServiceError} when they are malformed
 */
export function toEmbedded(answer: unknown, texts: readonly string[]): Embedded {
  const { data, error: cause } = EMBEDDINGS.safeParse(answer);
  const vectors = data?.embeddings.map(({ values }) => values);
  return {
    vectors: checkedVectors(vectors, texts.length, { cause }),
    tokens: estimatedTokens(texts),
  };
}
