/** How a server that speaks OpenAI's protocol turns texts into vectors, for `openai.ts`. */
import type OpenAI from "openai";
import { z } from "zod";
import type { Embedded } from "./provider.ts";
import { checkedVectors, estimatedTokens } from "./vectors.ts";

/** Servers take hundreds, but small ones of this machine need their time for each. */
export const EMBEDDING_BATCH = 64;

/** What a batch is answered with, as far as it is used. */
const EMBEDDINGS = z.object({
  data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.number() }).nullish().catch(undefined),
});

/** These models embed a question as they embed what answers it. */
export async function embed(
  client: OpenAI,
  model: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Embedded> {
  const answer: unknown = await client.embeddings.create(
    { model, input: [...texts], encoding_format: "float" },
    { signal },
  );
  const { data, error: cause } = EMBEDDINGS.safeParse(answer);
  const vectors = data?.data.toSorted((a, b) => a.index - b.index)
    .map(({ embedding }) => embedding);
  return {
    vectors: checkedVectors(vectors, texts.length, { cause }),
    tokens: data?.usage?.prompt_tokens ?? estimatedTokens(texts),
  };
}
