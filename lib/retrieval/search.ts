/** A question's passages: rank by the inverted index, choose by the budget, then read the texts. */
import type { QueryBody, QueryReply } from "../db/database.ts";
import type { FoundPassage, SearchReply, SearchRequest } from "../library.ts";
import { rank } from "./bm25.ts";
import { choose } from "./choose.ts";
import { searchedText } from "./question.ts";
import { termsOf } from "./terms.ts";

/** The two queries that a search makes, however they reach the database. */
export interface SearchPorts {
  findPostings(body: QueryBody<"findPostings">): Promise<QueryReply<"findPostings">>;
  readPassages(body: QueryBody<"readPassages">): Promise<QueryReply<"readPassages">>;
}

/** Finds what `question` asks for in the user's documents; best first, within the budget. */
export async function search(
  { findPostings, readPassages }: SearchPorts,
  { userId, documentIds, question, budget }: SearchRequest,
): Promise<SearchReply> {
  const terms = [...new Set(termsOf(searchedText(question)))];
  const { documents, postings } = await findPostings({ userId, documentIds, terms });
  const chosen = choose(rank(documents, postings), documents, budget);
  const stored = await readPassages({
    userId,
    documentIds: chosen.map(({ documentId }) => documentId),
    ordinals: chosen.map(({ ordinal }) => ordinal),
  });
  const documentOf = new Map(documents.map((document) => [document.id, document]));
  const textOf = new Map(stored.map((row) => [`${row.documentId}:${row.ordinal}`, row]));
  const passages = chosen.flatMap(({ documentId, ordinal, score }): FoundPassage[] => {
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
  return { passages };
}
