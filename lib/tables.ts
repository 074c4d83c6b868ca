/**
 * The words of tables: what is kept of a sheet, and what its rows can be asked.
 * Types only, but for the error; shared by extraction, the sandbox and the plugins.
 */

/** A value of a table's cell. */
export type Cell = string | number | null;

/** What a column's values are; dates are ISO texts, which sort and compare as they should. */
export type ColumnType = "number" | "date" | "text";

/** A column of a table. */
export interface TableColumn {
  /** As the header has it. */
  name: string;
  /** What its values are. */
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

/** A query over the tables of one document. */
export interface TableQuery {
  /** Telegram's id of the asker: tables of others are never read. */
  userId: number;
  /** Whose tables are asked. */
  documentId: number;
  /** One `SELECT` in SQLite's dialect, over `t1`, `t2` … and their columns; `row` is the row's number. */
  sql: string;
  /** A second `SELECT` for the rows that the result rests on. */
  rowsSql?: string;
}

/** Rows of a query's result. */
export interface QueryResult {
  /** As the query names them. */
  columns: readonly string[];
  /** In the order of the query. */
  rows: readonly (readonly Cell[])[];
  /** Rows in all, of which `rows` may be the first ones. */
  total: number;
}

/** What a table query gave. */
export interface TableAnswer {
  /** Of the query. */
  result: QueryResult;
  /** The rows that `result` rests on, if they were asked for. */
  evidence?: QueryResult;
}

/** Which rows of a document's tables speak of the words of a question. */
export interface RowSearch {
  /** Telegram's id of the asker. */
  userId: number;
  /** Whose tables are searched. */
  documentId: number;
  /** As the user wrote it. */
  question: string;
  /** The most rows to give, of all tables together. */
  limit: number;
}

/** What a column holds, over all its rows. */
export interface ColumnSummary {
  /** As the header has it. */
  name: string;
  /** What its values are. */
  type: ColumnType;
  /** Cells that are not empty. */
  filled: number;
  /** Values unlike each other. */
  distinct: number;
  /** The least value, by the column's type. */
  min: Cell;
  /** The greatest value, by the column's type. */
  max: Cell;
  /** Of number columns. */
  sum?: number;
}

/** A table's columns, and its rows that match best. */
export interface FoundRows {
  /** Which one. */
  table: TableInfo;
  /** The first ones of it. */
  columns: readonly ColumnSummary[];
  /** Best first; each begins with its row number. */
  rows: readonly (readonly Cell[])[];
}

/** A query that cannot be run; `message` says why, in SQLite's words. */
export class TableQueryError extends Error {
  /** Tells the class also across a process's border. */
  override name = "TableQueryError";
}
