/**
 * A question's passages: rank by the inverted index, and by meaning where there
 * are vectors, choose by the budget, then read the texts.
 */
import type { QueryBody, QueryReply } from "../db/database.ts";
import type { IndexedDocument } from "../db/document_queries.ts";
import type { FoundPassage, SearchReply, SearchRequest } from "../library.ts";
import { rank, type RankedPassage } from "./bm25.ts";
import { choose } from "./choose.ts";
import { tokensNeeded } from "./enough.ts";
import { fuse, type Meaning } from "./fusion.ts";
import { shareWithNeighbours } from "./neighbours.ts";
import { inOtherLanguage, isForeign } from "./other_language.ts";
import { searchedTerms } from "./question.ts";
import { termsOf } from "./terms.ts";

/** What a search asks for, however it is reached. */
export interface SearchPorts {
  findPostings(body: QueryBody<"findPostings">): Promise<QueryReply<"findPostings">>;
  readPassages(body: QueryBody<"readPassages">): Promise<QueryReply<"readPassages">>;
  /** See `meaning.ts`; absent where no model embeds. */
  rankByMeaning?(
    request: Pick<SearchRequest, "userId" | "documentIds" | "question">,
  ): Promise<Meaning | undefined>;
}

/** Finds what `question` asks for in the user's documents; best first, within the budget. */
export async function search(
  ports: SearchPorts,
  { userId, documentIds, question, widened = "", budget }: SearchRequest,
): Promise<SearchReply> {
  const { own, added } = searchedTerms(question);
  const terms = [...new Set([...own, ...added, ...termsOf(widened)])];
  const [{ documents, postings }, meaning] = await Promise.all([
    ports.findPostings({ userId, documentIds, terms }),
    ports.rankByMeaning?.({ userId, documentIds, question }),
  ]);
  const found = new Set(postings.map(({ term }) => term));
  const unfound = own.filter((term) => !found.has(term));
  const foreign = isForeign(own, found);
  if (foreign && widened === "") {
    const others = inOtherLanguage(question, unfound).filter((term) => !terms.includes(term));
    const translated = await ports.findPostings({ userId, documentIds, terms: others });
    postings.push(...translated.postings);
  }
  const byWords = shareWithNeighbours(rank(documents, postings, new Set(added)), documents);
  const ranked = meaning === undefined ? byWords : fuse(byWords, meaning);
  // A meaning is the same in both languages: where all were compared by it, nobody need translate.
  const isCompared = documents.every(({ id }) => meaning?.documentIds.has(id) === true);
  const needed = tokensNeeded(byWords, documents, budget);
  // Fused, the best of both take turns: where they are not the same, each gets what words alone need.
  const isClear = meaning === undefined || isSame(byWords[0], meaning.ranked[0]);
  const limit = isClear ? needed : Math.min(budget, 2 * needed);
  const chosen = choose(ranked, documents, limit);
  return {
    passages: await textsOf(ports, userId, documents, chosen),
    foreign: foreign && !isCompared,
  };
}

function isSame(one: RankedPassage | undefined, other: RankedPassage | undefined): boolean {
  return one?.documentId === other?.documentId && one?.ordinal === other?.ordinal;
}

/** The chosen passages with their texts, in their order. */
async function textsOf(
  { readPassages }: SearchPorts,
  userId: number,
  documents: readonly IndexedDocument[],
  chosen: readonly RankedPassage[],
): Promise<FoundPassage[]> {
  const stored = await readPassages({
    userId,
    documentIds: chosen.map(({ documentId }) => documentId),
    ordinals: chosen.map(({ ordinal }) => ordinal),
  });
  const documentOf = new Map(documents.map((document) => [document.id, document]));
  const textOf = new Map(stored.map((row) => [`${row.documentId}:${row.ordinal}`, row]));
  return chosen.flatMap(({ documentId, ordinal, score }): FoundPassage[] => {
    const document = documentOf.get(documentId);
    const row = textOf.get(`${documentId}:${ordinal}`);
    if (document === undefined || row === undefined) return [];
    return [{
      ...row,
      tokens: document.passageTokens[ordinal] ?? 0,
      length: document.lengths[ordinal] ?? 0,
      documentName: document.name,
      unit: document.unit,
      score,
    }];
  });
}
