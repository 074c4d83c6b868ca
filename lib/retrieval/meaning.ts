/**
 * The passages whose meaning is nearest to a question's, where documents have
 * vectors. It never fails and never takes long: without it words alone decide.
 */
import type { EmbedReply } from "../ai/provider.ts";
import type { QueryBody, QueryReply } from "../db/database.ts";
import { logger } from "../log.ts";
import type { Meaning } from "./fusion.ts";
import { fromBase64, packed, toBase64 } from "./vectors.ts";

/** Passages that are ranked by meaning: more than fit into a prompt. */
const NEAREST = 200;

/** What a ranking by meaning asks for, however it is reached. */
export interface MeaningPorts {
  embeddedDocuments(
    body: QueryBody<"embeddedDocuments">,
  ): Promise<QueryReply<"embeddedDocuments">>;
  nearestPassages(body: QueryBody<"nearestPassages">): Promise<QueryReply<"nearestPassages">>;
  /** In time, or not at all. */
  embedQuestion(key: string, question: string): Promise<EmbedReply>;
  readCache(key: string): Promise<string | undefined>;
  keepInCache(key: string, value: string): Promise<void>;
}

/** `undefined` where no document has vectors, or the question's cannot be had just now. */
export async function rankByMeaning(
  ports: MeaningPorts,
  model: string,
  { userId, documentIds, question }: {
    userId: number;
    documentIds: readonly number[];
    question: string;
  },
): Promise<Meaning | undefined> {
  try {
    const embedded = await ports.embeddedDocuments({ userId, documentIds, model });
    if (embedded.length === 0) return undefined;
    const vector = await vectorOf(ports, model, question);
    if (vector === undefined) return undefined;
    const ranked = await ports.nearestPassages({
      userId,
      documentIds: embedded,
      model,
      vector,
      limit: NEAREST,
    });
    return { ranked, documentIds: new Set(embedded) };
  } catch (error) {
    logger("retrieval").warn("Cannot search by meaning, so words alone decide: {error}", { error });
    return undefined;
  }
}

/** The same words mean the same whoever asks them. */
async function vectorOf(
  { embedQuestion, readCache, keepInCache }: MeaningPorts,
  model: string,
  question: string,
): Promise<Int8Array | undefined> {
  const identity = new TextEncoder().encode(JSON.stringify([model, question]));
  const digest = await crypto.subtle.digest("SHA-256", identity);
  const key = `meaning:${new Uint8Array(digest).toHex()}`;
  const known = await readCache(key);
  if (known !== undefined) return fromBase64(known);
  const reply = await embedQuestion(key, question);
  const [vector] = reply.kind === "vectors" ? reply.vectors : [];
  if (vector === undefined) return undefined;
  const bytes = packed(vector);
  await keepInCache(key, toBase64(bytes));
  return bytes;
}
