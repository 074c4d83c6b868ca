/** From a document's sections to its passages and inverted index. */
import type { Extracted, Passage, Posting, Section } from "../library.ts";
import { cutSections } from "./passages.ts";
import { termsOf } from "./terms.ts";
import { estimateTokens } from "./tokens.ts";

/**
 * Cuts and indexes `sections`. A passage is found by its own text and by the
 * headings above it.
 */
export function indexSections(
  sections: readonly Section[],
): Pick<Extracted, "passages" | "postings" | "tokens"> {
  const passages: Passage[] = [];
  const index = new Map<string, { ordinals: number[]; counts: number[] }>();
  let tokens = 0;
  for (const [ordinal, { page, heading, text }] of cutSections(sections).entries()) {
    const terms = termsOf([...heading, text].join("\n"));
    const passage = {
      ordinal,
      page,
      heading,
      text,
      tokens: estimateTokens(text),
      length: terms.length,
    };
    passages.push(passage);
    tokens += passage.tokens;
    for (const term of terms) {
      let posting = index.get(term);
      if (posting === undefined) index.set(term, posting = { ordinals: [], counts: [] });
      const last = posting.ordinals.length - 1;
      if (posting.ordinals[last] === ordinal) {
        posting.counts[last] = (posting.counts[last] ?? 0) + 1;
      } else {
        posting.ordinals.push(ordinal);
        posting.counts.push(1);
      }
    }
  }
  const postings: Posting[] = [...index].map(([term, posting]) => ({ term, ...posting }));
  return { passages, postings, tokens };
}
