/**
 * The words of the library: what a document, a passage and a search are. Types
 * only, shared by extraction, retrieval, the database and the plugins.
 */

/** What a document counts its places in; a citation names one of them. */
export type Unit = "page" | "sheet" | "slide" | "part" | "minute";

/** A piece of text as a format's extractor found it, in reading order. */
export interface Section {
  /** 1-based number of the page, sheet, slide, part or minute. */
  page: number;
  /** Headings above the text, outermost first; also sheet or slide titles. */
  heading: readonly string[];
  text: string;
}

/** A document cut for retrieval: short enough for a prompt, whole enough to be understood. */
export interface Passage {
  /** 0-based position in the document. */
  ordinal: number;
  page: number;
  heading: readonly string[];
  text: string;
  /** Estimated model tokens of `text`. */
  tokens: number;
  /** Count of indexed terms, for length normalisation. */
  length: number;
}

/** An inverted index entry: the passages of one document that hold `term`. */
export interface Posting {
  term: string;
  /** Ordinals of passages, ascending. */
  ordinals: readonly number[];
  /** Occurrences in each of `ordinals`. */
  counts: readonly number[];
}

/** All that is kept of a file once it was read. */
export interface Extracted {
  /** Name of the document format, such as `pdf`. */
  format: string;
  unit: Unit;
  /** Count of units. */
  pages: number;
  passages: readonly Passage[];
  postings: readonly Posting[];
  /** Estimated model tokens of the whole document. */
  tokens: number;
}

export type RefusalReason =
  | "unsupported"
  | "empty"
  | "no_text"
  | "encrypted"
  | "damaged"
  | "too_large"
  | "too_slow"
  | "too_complex";

/** A file that cannot become a document; `reason` chooses the sentence the user reads. */
export class DocumentRefusedError extends Error {
  override name = "DocumentRefusedError";
  constructor(readonly reason: RefusalReason, detail: string, options?: ErrorOptions) {
    super(`Cannot read the document as ${detail}`, options);
  }
}

export interface NewDocument {
  userId: number;
  name: string;
  bytes: Uint8Array;
  /** Telegram's id of the file, to send the original back. */
  fileId?: string;
}

/** Stages of a document on its way to `ready`. */
export type Stage = "extracting" | "indexing";

export interface DocumentInfo {
  id: number;
  name: string;
  format: string;
  unit: Unit;
  pages: number;
  tokens: number;
  bytes: number;
  /** SHA-256 of the content, hex. */
  sha256: string;
}

export interface AddedDocument {
  document: DocumentInfo;
  /** The same content was there already; nothing was read again. */
  known: boolean;
}

export interface SearchRequest {
  userId: number;
  documentIds: readonly number[];
  question: string;
  /** The most tokens that the passages may have together. */
  budget: number;
}

/** A passage chosen for a question, with the document it stands in. */
export interface FoundPassage extends Passage {
  documentId: number;
  documentName: string;
  unit: Unit;
  score: number;
}

/** Best first. Empty when nothing in the documents matches. */
export interface SearchReply {
  passages: readonly FoundPassage[];
}
