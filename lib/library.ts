/**
 * The words of the library: what a document, a passage and a search are. Types
 * only, shared by extraction, retrieval, the database and the plugins.
 */

/** What a document counts its places in; a citation names one of them. */
export type Unit = "page" | "sheet" | "slide" | "chapter" | "part" | "minute";

/** A piece of text as a format's extractor found it, in reading order. */
export interface Section {
  /** 1-based number of the page, sheet, slide, part or minute. */
  page: number;
  /** Headings above the text, outermost first; also sheet or slide titles. */
  heading: readonly string[];
  /** Lines of the text, parted by line breaks. */
  text: string;
}

/** A value of a table's cell. */
export type Cell = string | number | null;

/** What a column's values are; dates are ISO texts, which sort and compare as they should. */
export type ColumnType = "number" | "date" | "text";

/** A column of a table. */
export interface TableColumn {
  /** As the header has it. */
  name: string;
  type: ColumnType;
  /** Some of its values, each once. */
  examples: readonly string[];
}

/** What is known of a table without its rows. */
export interface TableInfo {
  /** The sheet's name, or empty where a file is one table. */
  name: string;
  /** 1-based number of the unit in which it stands. */
  page: number;
  /** In their order; names are unique within the table. */
  columns: readonly TableColumn[];
  /** Count of rows, the header not among them. */
  rows: number;
}

/** A table with all its rows, as it is kept for queries. */
export interface Table extends TableInfo {
  /** Lines of JSON, gzipped: `[row number, cell, …]`, numbered as a person sees the rows. */
  data: Uint8Array;
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
  | "cancelled";

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
  /** How many files it came within: 0 for one that a user sent. */
  depth?: number;
  /** Of the Telegram message, by which its sender can cancel it. */
  updateId?: number;
}

/** What happens to a document on its way to `ready`. */
export type Stage =
  | { stage: "extracting" | "indexing" }
  /** Pages are read from their pictures: so many of so many. */
  | { stage: "scanning"; done: number; of: number };

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
  /** It is the active one now; nothing for an archive, which holds no text of its own. */
  document?: DocumentInfo;
  /** The same content was there already; nothing was read again. */
  known: boolean;
  /** Files that came within it, to be added one by one. */
  files: readonly InnerFile[];
  /** Units that could not be read although they may hold something. */
  unread: number;
}

/** A query over the tables of one document. */
export interface TableQuery {
  /** Telegram's id of the asker: tables of others are never read. */
  userId: number;
  documentId: number;
  /** One `SELECT` in SQLite's dialect, over `t1`, `t2` … and their columns; `row` is the row's number. */
  sql: string;
  /** A second `SELECT` for the rows that the result rests on. */
  rowsSql?: string;
}

/** Rows of a query's result. */
export interface QueryResult {
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** Rows in all, of which `rows` may be the first ones. */
  total: number;
}

/** What a table query gave. */
export interface TableAnswer {
  result: QueryResult;
  /** The rows that `result` rests on, if they were asked for. */
  evidence?: QueryResult;
}

/** Which rows of a document's tables speak of the words of a question. */
export interface RowSearch {
  /** Telegram's id of the asker. */
  userId: number;
  documentId: number;
  /** As the user wrote it. */
  question: string;
  /** The most rows to give, of all tables together. */
  limit: number;
}

/** What a column holds, over all its rows. */
export interface ColumnSummary {
  name: string;
  type: ColumnType;
  /** Cells that are not empty. */
  filled: number;
  distinct: number;
  min: Cell;
  max: Cell;
  /** Of number columns. */
  sum?: number;
}

/** A table's columns, and its rows that match best. */
export interface FoundRows {
  table: TableInfo;
  columns: readonly ColumnSummary[];
  /** Best first; each begins with its row number. */
  rows: readonly (readonly Cell[])[];
}

/** A query that cannot be run; `message` says why, in SQLite's words. */
export class TableQueryError extends Error {
  /** Tells the class also across a process's border. */
  override name = "TableQueryError";
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
