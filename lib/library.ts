/**
 * The words of the library: what a document, a passage and a search are. Types
 * only, shared by extraction, retrieval, the database and the plugins.
 */

import type { NotHeardReason } from "./ai/provider.ts";
import type { Table } from "./tables.ts";

/** What a document counts its places in; a citation names one of them. */
export type Unit = "page" | "sheet" | "slide" | "chapter" | "part" | "minute";

/** A piece of text as a format's extractor found it, in reading order. */
export interface Section {
  /** 1-based number of the page, sheet, slide, part or minute: minute 1 is 0:00 to 0:59. */
  page: number;
  /** Headings above the text, outermost first; also sheet or slide titles. */
  heading: readonly string[];
  /** Lines of the text, parted by line breaks. */
  text: string;
}

/** A file that came within another one: an attachment, or a file of an archive. */
export interface InnerFile {
  /** The last part of its path, without signs that a file name cannot have. */
  name: string;
  /** The whole file. */
  bytes: Uint8Array;
}

/** What a document format's extractor gives. */
export interface Content {
  /** In reading order. */
  sections: readonly Section[];
  /** Tables whose rows can be asked about, beside the sections that show them. */
  tables?: readonly Table[];
  /** Documents of their own. */
  files?: readonly InnerFile[];
  /** Count of units, where units without a text are to be counted as well. */
  pages?: number;
  /** Units that could not be read although they may hold something. */
  unread?: number;
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
  /** Tables whose rows can be asked about. */
  tables: readonly Table[];
  /** Files that came within it, to be documents of their own. */
  files: readonly InnerFile[];
  /** Units that could not be read although they may hold something. */
  unread: number;
}

/** Why a file cannot be asked about. */
export type RefusalReason =
  | "unsupported"
  | "empty"
  | "no_text"
  | "unreadable"
  | "encrypted"
  | "damaged"
  | "too_large"
  | "too_slow"
  | "too_complex"
  /** The user has as many documents as may be kept. */
  | "library_full"
  /** A recording that is longer than may be heard. */
  | "too_long"
  /** A recording that is too large for one call, of a format that cannot be cut. */
  | "uncuttable"
  /** A recording in which nobody speaks. */
  | "speechless"
  /** A recording that the AI has not heard. */
  | `unheard_${NotHeardReason}`
  | "cancelled";

/** A file that cannot become a document; `reason` chooses the sentence the user reads. */
export class DocumentRefusedError extends Error {
  /** Tells the class also across a process's border. */
  override name = "DocumentRefusedError";
  /** `detail` completes the sentence "Cannot read the document as …", for the log. */
  constructor(readonly reason: RefusalReason, readonly detail: string, options?: ErrorOptions) {
    super(`Cannot read the document as ${detail}`, options);
  }
}

/** Why a page cannot be read. */
export type PageProblem =
  | "not_allowed"
  | "not_found"
  | "refused"
  | "too_large"
  | "too_slow"
  | "unreachable";

/** A page that cannot be fetched; `problem` chooses the sentence the user reads. */
export class PageRefusedError extends Error {
  /** Tells the class also across a process's border. */
  override name = "PageRefusedError";
  /** `detail` completes the sentence "Cannot read the page as …", for the log. */
  constructor(readonly problem: PageProblem, detail: string, options?: ErrorOptions) {
    super(`Cannot read the page as ${detail}`, options);
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
  /** How many files it came within: 0 for one that a user sent. */
  depth?: number;
  /** Of the Telegram message, by which its sender can cancel it. */
  updateId?: number;
}

/** What happens to a document on its way to `ready`. */
export type Stage =
  | { stage: "extracting" | "indexing" }
  /** Pages are read from their pictures: so many of so many. */
  | { stage: "scanning"; done: number; of: number }
  /** A recording is heard: this part of so many. */
  | { stage: "listening"; part: number; of: number };

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

/** A recording that is only to be heard, not kept. */
export interface HearRequest {
  /** Who has sent it. */
  userId: number;
  /** The whole file. */
  bytes: Uint8Array;
}

/** How adding a file ended. */
export interface AddedDocument {
  /** It is the active one now; nothing for an archive, which holds no text of its own. */
  document?: DocumentInfo;
  /** The same content was there already; nothing was read again. */
  known: boolean;
  /** Files that came within it, to be added one by one. */
  files: readonly InnerFile[];
  /** Units that could not be read although they may hold something. */
  unread: number;
}

/** What to find, where, and how much of it. */
export interface SearchRequest {
  /** Telegram's id of the asker: documents of others are never searched. */
  userId: number;
  /** Where to search. */
  documentIds: readonly number[];
  /** As the user wrote it. */
  question: string;
  /** Words that the question may be answered in, as an AI gave them, in any language. */
  widened?: string;
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
  /** Most of the question's words stand nowhere in the documents: it may be in another language. */
  foreign: boolean;
}
