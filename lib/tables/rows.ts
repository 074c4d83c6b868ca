/** What tables say of a question without any AI: their columns' figures, and the rows with its words. */
import type { DatabaseSync } from "node:sqlite";
import type { Cell, ColumnSummary, FoundRows, TableInfo } from "../tables.ts";
import { termsOf } from "../retrieval/terms.ts";
import { asArrays, quoted } from "./load.ts";

/** Words of a question that are looked for. */
const MAX_TERMS = 12;
/** A stem shorter than this would match anything that begins with it. */
const MIN_PREFIX = 3;
/** More columns than this are no summary. */
const MAX_COLUMNS = 30;

/** The tables with rows that match come first. */
export function findRows(
  database: DatabaseSync,
  tables: readonly TableInfo[],
  { question, limit }: { question: string; limit: number },
): FoundRows[] {
  const terms = [...new Set(termsOf(question))].slice(0, MAX_TERMS);
  return tables.map((table, n) => ({
    table,
    columns: table.columns.slice(0, MAX_COLUMNS).map((column) => summary(database, n, column)),
    rows: matching(database, n, table, terms, limit),
  })).toSorted((a, b) => b.rows.length - a.rows.length);
}

function summary(
  database: DatabaseSync,
  n: number,
  { name, type }: TableInfo["columns"][number],
): ColumnSummary {
  const column = quoted(name);
  const isNumber = type === "number";
  // A note among numbers is no number: it takes no part in their range and sum.
  const only = isNumber ? `where typeof(${column}) in ('integer', 'real')` : "";
  const { filled } = database.prepare(
    `select count(${column}) as filled from t${n + 1}`,
  ).get() as { filled: number };
  const row = database.prepare(
    `select count(distinct ${column}) as "distinct", min(${column}) as min, max(${column}) as max
     ${isNumber ? `, total(${column}) as sum` : ""} from t${n + 1} ${only}`,
  ).get() as { distinct: number; min: Cell; max: Cell; sum?: number };
  return { name, type, filled, ...row };
}

/** Rows by how many of the words they hold, a rare word counting more. */
function matching(
  database: DatabaseSync,
  n: number,
  { columns, rows }: TableInfo,
  terms: readonly string[],
  limit: number,
): Cell[][] {
  if (terms.length === 0) return [];
  const table = `t${n + 1}`;
  database.exec("pragma query_only = off");
  const names = columns.map(({ name }) => quoted(name));
  database.exec(
    `create virtual table f${
      n + 1
    } using fts5(cells, content='', tokenize='unicode61 remove_diacritics 0')`,
  );
  database.exec(
    `insert into f${n + 1} (rowid, cells)
     select rowid, replace(lower(${
      names.map((name) => `coalesce(${name}, '')`).join(" || ' ' || ")
    }), 'ё', 'е')
     from ${table}`,
  );
  const scores = new Map<number, number>();
  for (const term of terms) {
    const isPrefix = term.length >= MIN_PREFIX && !/\d/.test(term);
    const found = database.prepare(`select rowid as id from f${n + 1} where f${n + 1} match ?`)
      .all(`"${term.replaceAll('"', '""')}"${isPrefix ? "*" : ""}`) as { id: number }[];
    const weight = Math.log(1 + rows / (found.length || 1));
    for (const { id } of found) scores.set(id, (scores.get(id) ?? 0) + weight);
  }
  const best = [...scores].toSorted(([idA, a], [idB, b]) => b - a || idA - idB).slice(0, limit);
  const read = asArrays(database.prepare(`select * from ${table} where rowid = ?`));
  return best.map(([id]) => read.get(id) as unknown as Cell[]);
}
