/**
 * The sandboxed program that asks tables: loads their rows into a database in
 * its own memory, runs what it is told to, and ends. A query, whoever wrote it,
 * can reach nothing but these rows.
 *
 * In, as frames: `TableRequest` as JSON, then each table's rows. Out: one `TableReply`.
 */
import { framesOf, jsonFrame, jsonOf } from "../extract/frames.ts";
import type { FoundRows, TableAnswer, TableInfo } from "../tables.ts";
import { loadTables } from "./load.ts";
import { runQueries } from "./query.ts";
import { findRows } from "./rows.ts";

export type TableRequest =
  & { tables: readonly TableInfo[] }
  & (
    | { query: { sql: string; rowsSql?: string } }
    | { search: { question: string; limit: number } }
  );

export type TableReply =
  | { answer: TableAnswer }
  | { found: readonly FoundRows[] }
  | { failed: string };

const input = framesOf(Deno.stdin.readable, Number.MAX_SAFE_INTEGER);
const request = jsonOf(await next()) as TableRequest;
const data: Uint8Array<ArrayBuffer>[] = [];
for (const _ of request.tables) data.push(await next());
for (const chunk of jsonFrame(await reply())) {
  for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
}

async function next(): Promise<Uint8Array<ArrayBuffer>> {
  const { value } = await input.next();
  if (value === undefined) throw new Error("Cannot read the tables as the input has ended");
  return value;
}

async function reply(): Promise<TableReply> {
  const database = await loadTables(request.tables, data);
  try {
    if ("search" in request) return { found: findRows(database, request.tables, request.search) };
    return { answer: runQueries(database, request.query) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
