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
  /** Lines of the text, parted by line breaks. */
  text: string;
}

/** A document cut for retrieval: short enough for a prompt, whole enough to be understood. */
export interface Passage {
  /** 0-based position in the document. */
  ordinal: number;
  /** 1-based number of the unit in which it begins. */
  page: number;
  /** Headings above it, outermost first. */
  heading: readonly string[];
  /** Word for word as it stands in the document. */
  text: string;
  /** Estimated model tokens of `text`. */
  tokens: number;
  /** Count of indexed terms, for length normalisation. */
  length: number;
}

/** An inverted index entry: the passages of one document that hold `term`. */
export interface Posting {
  /** As `termsOf` makes it: stemmed, lower case. */
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
  /** What `pages` counts. */
  unit: Unit;
  /** Count of units. */
  pages: number;
  /** In the order of the document. */
  passages: readonly Passage[];
  /** One for each term. */
  postings: readonly Posting[];
  /** Estimated model tokens of the whole document. */
  tokens: number;
}

/** Why a file cannot be asked about. */
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
  /** Tells the class also across a process's border. */
  override name = "DocumentRefusedError";
  /** `detail` completes the sentence "Cannot read the document as …", for the log. */
  constructor(readonly reason: RefusalReason, detail: string, options?: ErrorOptions) {
    super(`Cannot read the document as ${detail}`, options);
  }
}

/** A file on its way into the library. */
export interface NewDocument {
  /** Telegram's id of its owner. */
  userId: number;
  /** As the sender named it. */
  name: string;
  /** The whole file. */
  bytes: Uint8Array;
  /** Telegram's id of the file, to send the original back. */
  fileId?: string;
}

/** Stages of a document on its way to `ready`. */
export type Stage = "extracting" | "indexing";

/** A document that can be asked about, without its text. */
export interface DocumentInfo {
  /** Of this database. */
  id: number;
  /** As its sender named it. */
  name: string;
  /** Name of the document format, such as `pdf`. */
  format: string;
  /** What `pages` counts. */
  unit: Unit;
  /** Count of units. */
  pages: number;
  /** Estimated model tokens of the whole text. */
  tokens: number;
  /** Size of the original. */
  bytes: number;
  /** SHA-256 of the content, hex. */
  sha256: string;
}

/** How adding a file ended. */
export interface AddedDocument {
  /** It is the active one now. */
  document: DocumentInfo;
  /** The same content was there already; nothing was read again. */
  known: boolean;
}

/** What to find, where, and how much of it. */
export interface SearchRequest {
  /** Telegram's id of the asker: documents of others are never searched. */
  userId: number;
  /** Where to search. */
  documentIds: readonly number[];
  /** As the user wrote it. */
  question: string;
  /** The most tokens that the passages may have together. */
  budget: number;
}

/** A passage chosen for a question, with the document it stands in. */
export interface FoundPassage extends Passage {
  /** Of this database. */
  documentId: number;
  /** As its sender named it. */
  documentName: string;
  /** What `page` counts. */
  unit: Unit;
  /** How well it matches; 0 for a passage that came along with its whole document. */
  score: number;
}

/** Best first. Empty when nothing in the documents matches. */
export interface SearchReply {
  /** Within the budget, best first. */
  passages: readonly FoundPassage[];
}
