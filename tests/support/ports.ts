/** A library of one document in memory, for searching without a database. */
import { indexSections } from "../../lib/retrieval/index.ts";
import type { SearchPorts } from "../../lib/retrieval/search.ts";

/** The queries of a search over one indexed document, whose id is 1. */
export function portsOver(
  { passages, postings, tokens }: ReturnType<typeof indexSections>,
): SearchPorts {
  const document = {
    id: 1,
    name: "a.txt",
    format: "text",
    unit: "part" as const,
    pages: passages.length,
    tokens,
    bytes: 1,
    sha256: "",
    lengths: passages.map(({ length }) => length),
    passageTokens: passages.map((passage) => passage.tokens),
  };
  return {
    findPostings: ({ terms }) =>
      Promise.resolve({
        documents: [document],
        postings: postings.filter(({ term }) => terms.includes(term)).map((posting) => ({
          documentId: 1,
          ...posting,
        })),
      }),
    readPassages: ({ ordinals }) =>
      Promise.resolve(
        passages.filter(({ ordinal }) => ordinals.includes(ordinal))
          .map((passage) => ({ ...passage, documentId: 1, heading: [] })),
      ),
  };
}
