/** What both vendors' embeddings have in common once they are read: their check. Pure. */
import { AIServiceError } from "./errors.ts";

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
