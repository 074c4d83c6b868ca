/** Rows of tables, as they are kept, into an SQLite database in memory: `t1`, `t2` … */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Cell, TableInfo } from "../tables.ts";

/** The database with all tables; from then on it can be read only. */
export async function loadTables(
  tables: readonly TableInfo[],
  data: readonly Uint8Array<ArrayBuffer>[],
): Promise<DatabaseSync> {
  const database = new DatabaseSync(":memory:");
  // SQLite's own know the letters of ASCII alone.
  database.function("lower", { deterministic: true }, (text) => folded(text, "toLowerCase"));
  database.function("upper", { deterministic: true }, (text) => folded(text, "toUpperCase"));
  database.function("like", { deterministic: true }, (pattern, text) => isLike(text, pattern));
  database.exec("pragma journal_mode = off; pragma synchronous = off");
  for (const [n, { columns }] of tables.entries()) {
    const definitions = columns.map(({ name, type }) =>
      `${quoted(name)} ${type === "number" ? "numeric" : "text"}`
    );
    database.exec(`create table t${n + 1} ("row" integer, ${definitions.join(", ")})`);
    const places = Array.from({ length: columns.length + 1 }, () => "?");
    const insert = database.prepare(`insert into t${n + 1} values (${places.join(",")})`);
    database.exec("begin");
    for await (const line of linesOf(data[n] ?? new Uint8Array())) {
      const row = JSON.parse(line) as Cell[];
      insert.run(...places.map((_, at) => row[at] ?? null));
    }
    database.exec("commit");
  }
  database.exec("pragma query_only = on");
  return database;
}

/** A column's name as SQL can hold any: between quotation marks. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Has a statement give rows as arrays, so that columns of one name do not become one. */
export function asArrays(statement: StatementSync): StatementSync {
  // Deno has it, and its types do not.
  (statement as StatementSync & { setReturnArrays(on: boolean): void }).setReturnArrays(true);
  return statement;
}

async function* linesOf(gzipped: Uint8Array<ArrayBuffer>): AsyncGenerator<string> {
  const text = new Blob([gzipped]).stream()
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function folded(text: unknown, how: "toLowerCase" | "toUpperCase"): Cell {
  return typeof text === "string" ? text[how]() : text as Cell;
}

const patterns = new Map<string, RegExp>();

/** `LIKE` as people expect it of any alphabet: `%` for anything, `_` for one sign, capitals alike. */
function isLike(text: unknown, pattern: unknown): number | null {
  if (text === null || pattern === null) return null;
  const written = String(pattern);
  let matcher = patterns.get(written);
  if (matcher === undefined) {
    const source = written.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("%", ".*")
      .replaceAll("_", ".");
    patterns.set(written, matcher = new RegExp(`^${source}$`, "isu"));
  }
  return matcher.test(String(text)) ? 1 : 0;
}
