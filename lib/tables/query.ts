/** Runs a `SELECT` and gives as much of its result as a person reads. */
import type { DatabaseSync } from "node:sqlite";
import { asArrays } from "./load.ts";
import type { Cell, QueryResult, TableAnswer } from "../tables.ts";

const SHOWN_RESULT_ROWS = 50;
const SHOWN_EVIDENCE_ROWS = 10;
/** A text longer than this is cut where it is shown. */
const SHOWN_LETTERS = 200;

/** @throws {Error} in SQLite's words */
export function runQueries(
  database: DatabaseSync,
  { sql, rowsSql }: { sql: string; rowsSql?: string },
): TableAnswer {
  const result = run(database, sql, SHOWN_RESULT_ROWS);
  if (rowsSql === undefined) return { result };
  return { result, evidence: run(database, rowsSql, SHOWN_EVIDENCE_ROWS) };
}

/**
 * The first rows, and how many there are. Not by `iterate`: in Deno it ends at
 * an error as if the rows were over, and half a result would pass for a whole.
 */
function run(database: DatabaseSync, sql: string, shown: number): QueryResult {
  const columns = database.prepare(sql).columns().map(({ name }) => name ?? "");
  if (columns.length === 0) throw new Error("it is no query for rows");
  const rows = asArrays(database.prepare(`select * from (${sql}\n) limit ${shown}`))
    .all() as unknown as unknown[][];
  const [count] = database.prepare(`select count(*) as total from (${sql}\n)`).all();
  return {
    columns,
    rows: rows.map((row) => row.map(shownCell)),
    total: Number(count?.["total"] ?? rows.length),
  };
}

function shownCell(value: unknown): Cell {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number(value.toPrecision(15));
  if (value === null || value === undefined) return null;
  const text = String(value);
  return text.length > SHOWN_LETTERS ? `${text.slice(0, SHOWN_LETTERS)}…` : text;
}
