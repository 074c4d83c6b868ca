/** A question's passages: rank by the inverted index, choose by the budget, then read the texts. */
import type { QueryBody, QueryReply } from "../db/database.ts";
import type { IndexedDocument } from "../db/document_queries.ts";
import type { FoundPassage, SearchReply, SearchRequest } from "../library.ts";
import { rank, type RankedPassage } from "./bm25.ts";
import { choose } from "./choose.ts";
import { tokensNeeded } from "./enough.ts";
import { shareWithNeighbours } from "./neighbours.ts";
import { inOtherLanguage, isForeign } from "./other_language.ts";
import { searchedTerms } from "./question.ts";
import { termsOf } from "./terms.ts";

/** The two queries that a search makes, however they reach the database. */
export interface SearchPorts {
  findPostings(body: QueryBody<"findPostings">): Promise<QueryReply<"findPostings">>;
  readPassages(body: QueryBody<"readPassages">): Promise<QueryReply<"readPassages">>;
}

/** Finds what `question` asks for in the user's documents; best first, within the budget. */
export async function search(
  ports: SearchPorts,
  { userId, documentIds, question, widened = "", budget }: SearchRequest,
): Promise<SearchReply> {
  const { own, added } = searchedTerms(question);
  const terms = [...new Set([...own, ...added, ...termsOf(widened)])];
  const { documents, postings } = await ports.findPostings({ userId, documentIds, terms });
  const found = new Set(postings.map(({ term }) => term));
  const unfound = own.filter((term) => !found.has(term));
  const foreign = isForeign(own, found);
  if (foreign && widened === "") {
    const others = inOtherLanguage(question, unfound).filter((term) => !terms.includes(term));
    const translated = await ports.findPostings({ userId, documentIds, terms: others });
    postings.push(...translated.postings);
  }
  const ranked = shareWithNeighbours(rank(documents, postings, new Set(added)), documents);
  const limit = tokensNeeded(ranked, documents, budget);
  const chosen = choose(ranked, documents, limit);
  return { passages: await textsOf(ports, userId, documents, chosen), foreign };
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
