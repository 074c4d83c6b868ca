/** One batch of passages that have no vectors yet gets them, wherever a restart has left off. */
import type { EmbedReply, EmbedRequest, NoAnswerReason } from "../ai/provider.ts";
import type { QueryBody, QueryReply } from "../db/database.ts";
import { packed } from "./vectors.ts";

/** Reasons that lie with the service alone; any document would have had to wait. */
const OF_THE_SERVICE: ReadonlySet<NoAnswerReason> = new Set([
  "offline",
  "rate_limit",
  "quota",
  "timeout",
]);

/** What embedding a batch came to. */
export type EmbeddedBatch =
  /** Passages have got vectors; there may be more to do. */
  | { outcome: "made"; passages: number }
  | { outcome: "nothing" }
  | { outcome: "failed"; reason: NoAnswerReason };

/** What embedding asks for, however it is reached. */
export interface EmbedPorts {
  claimPassages(body: { model: string; limit: number }): Promise<QueryReply<"claimPassages">>;
  embed(request: Omit<EmbedRequest, "kind">): Promise<EmbedReply>;
  keepVectors(body: QueryBody<"keepVectors">): Promise<void>;
  /** Also when we are being stopped. */
  releasePassages(body: QueryBody<"releasePassages">): Promise<void>;
}

/** A passage means what stands in it, under the headings above it. */
export async function embedPassages(
  { claimPassages, embed, keepVectors, releasePassages }: EmbedPorts,
  { model, batch }: { model: string; batch: number },
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  const claim = await claimPassages({ model, limit: batch });
  if (claim === undefined) return { outcome: "nothing" };
  const { userId, passages } = claim;
  const [first] = passages;
  if (first === undefined) return { outcome: "made", passages: 0 };
  const documentIds = [...new Set(passages.map(({ documentId }) => documentId))];
  const key = `${first.documentId}:${first.ordinal} ${passages.length} ${model}`;
  const texts = passages.map(({ heading, text }) => [...heading, text].join("\n"));
  try {
    const reply = await embed({ key, userId, texts });
    if (reply.kind === "none") {
      const failed = !OF_THE_SERVICE.has(reply.reason);
      await releasePassages({ documentIds, failed });
      return { outcome: "failed", reason: reply.reason };
    }
    await keepVectors({ model, passages, vectors: reply.vectors.map(packed) });
    return { outcome: "made", passages: passages.length };
  } catch (error) {
    // Whoever goes on need not wait until the claim has lapsed.
    await releasePassages({ documentIds, failed: !signal.aborted });
    throw error;
  }
}
