/**
 * Search by meaning as the actors see it: which of them is asked for what, how
 * long each may take, and what is counted.
 */
import type { EmbeddingKind, EmbedReply, EmbedRequest } from "../ai/provider.ts";
import { ask, type System, tell } from "../ask.ts";
import type { SearchRequest } from "../library.ts";
import { type EmbeddedBatch, embedPassages } from "./embed_passages.ts";
import type { Meaning } from "./fusion.ts";
import { rankByMeaning } from "./meaning.ts";

/** All attempts at one batch of passages with their pauses, and the wait for a turn. */
const EMBED_TIMEOUT_MS = 2 * 60_000;
/** When a batch whose process was killed is taken up by another. */
const CLAIM_MS = EMBED_TIMEOUT_MS + 10_000;
const KEEP_TIMEOUT_MS = 30_000;
/** For a question's vector, and then for what is nearest to it; without them words alone decide. */
const QUESTION_TIMEOUT_MS = 2_000;

export interface ByMeaningOptions {
  /** The provider's name and its model's: vectors of different ones cannot be compared. */
  model: string;
  /** The most passages that one call embeds. */
  batch: number;
  cacheTtlSeconds: number;
}

export interface ByMeaning {
  /** Gives the next passages that have none their vectors. */
  embedSome(system: System, signal: AbortSignal): Promise<EmbeddedBatch>;
  /** See `rankByMeaning`. */
  rank(
    request: Pick<SearchRequest, "userId" | "documentIds" | "question">,
    system: System,
    signal: AbortSignal,
  ): Promise<Meaning | undefined>;
}

export function createByMeaning({ model, batch, cacheTtlSeconds }: ByMeaningOptions): ByMeaning {
  return {
    async embedSome(system, signal) {
      const made = await embedPassages(
        {
          claimPassages: (body) =>
            ask(system, "db.claimPassages", { ...body, claimMs: CLAIM_MS }, { signal }),
          embed: (request) => embed(system, "document", request, EMBED_TIMEOUT_MS, signal),
          keepVectors: (body) =>
            ask(system, "db.keepVectors", body, { signal, timeoutMs: KEEP_TIMEOUT_MS }),
          releasePassages: (body) => ask(system, "db.releasePassages", body),
        },
        { model, batch },
        signal,
      );
      if (made.outcome === "made") {
        tell(system, "metrics.count", { name: "embeddings.made", by: made.passages });
      }
      const value = await ask(system, "db.countUnembedded", { model }, { signal });
      tell(system, "metrics.gauge", { name: "embeddings.waiting", value });
      return made;
    },
    rank: (request, system, signal) =>
      rankByMeaning(
        {
          embeddedDocuments: (body) => ask(system, "db.embeddedDocuments", body, { signal }),
          nearestPassages: (body) =>
            ask(system, "db.nearestPassages", body, { signal, timeoutMs: QUESTION_TIMEOUT_MS }),
          embedQuestion: (key, question) => {
            const asked = { key, userId: request.userId, texts: [question] };
            return embed(system, "question", asked, QUESTION_TIMEOUT_MS, signal);
          },
          readCache: (key) => ask(system, "cache.get", { key }, { signal }),
          keepInCache: (key, value) =>
            ask(system, "cache.set", { key, value, ttlSeconds: cacheTtlSeconds }, { signal }),
        },
        model,
        request,
      ),
  };
}

/** Has texts embedded, and counts when they are not. */
async function embed(
  system: System,
  kind: EmbeddingKind,
  request: Omit<EmbedRequest, "kind">,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<EmbedReply> {
  const reply = await ask(system, "ai.embed", { ...request, kind }, { signal, timeoutMs });
  if (reply.kind === "none") {
    const tags = { kind, reason: reply.reason };
    tell(system, "metrics.count", { name: "embeddings.failed", tags });
  }
  return reply;
}
