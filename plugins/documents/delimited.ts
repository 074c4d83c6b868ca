/** CSV and TSV: a table, its separator and encoding found out. */
import { decodeHead, decodeText } from "../../lib/extract/encoding.ts";
import { readSheet, type Row } from "../../lib/extract/table.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const DELIMITERS = [";", "\t", ",", "|"];
const LOOK_WITHIN = 64 * 1024;
const LOOK_WITHIN_LINES = 50;
/** Parsed at once. */
const PIECE_LETTERS = 1024 * 1024;
/** A text of prose has commas as well; a table without its name needs this to be believed. */
const SURE_LINES = 5;
const SURE_COLUMNS = 3;

export default definePlugin({
  name: "delimited",
  formats: [{
    name: "csv",
    extensions: ["csv", "tsv"],
    unit: "sheet",
    matches(bytes, name) {
      const head = decodeHead(bytes);
      return head !== undefined && delimiterOf(head, /\.(csv|tsv|tab)$/i.test(name)) !== undefined;
    },
    async extract(bytes) {
      const text = decodeText(bytes)?.replace(/\r\n?/g, "\n");
      if (text === undefined) throw new DocumentRefusedError("damaged", "it is no text");
      const named = /^sep=(.)\n/.exec(text);
      const delimiter = named?.[1] ?? delimiterOf(text.slice(0, LOOK_WITHIN), true) ?? ",";
      const rows = await rowsOf(text, named?.[0].length ?? 0, delimiter);
      const { sections, table } = await readSheet("", 1, rows);
      return { sections, pages: 1, ...(table && { tables: [table] }) };
    },
  }],
});

/** The rows, parsed piece by piece: all of them at once would be many times the file. */
async function rowsOf(text: string, start: number, delimiter: string): Promise<Iterable<Row>> {
  const { default: Papa } = await import("papaparse");
  return (function* () {
    let number = 0;
    let length = PIECE_LETTERS;
    for (let at = start; at < text.length;) {
      const isLast = at + length >= text.length;
      const piece = text.slice(at, at + length);
      const { data, meta }: { data: string[][]; meta: { cursor: number } } = new Papa.Parser({
        delimiter,
        newline: "\n",
      }).parse(piece, 0, !isLast);
      for (const cells of data) yield { number: ++number, cells };
      if (isLast) return;
      at += meta.cursor;
      // One row that is longer than a piece.
      length = meta.cursor === 0 ? length * 2 : PIECE_LETTERS;
    }
  })();
}

/** What parts the columns: the sign that stands equally often in the lines. */
function delimiterOf(text: string, isNamed: boolean): string | undefined {
  if (/^sep=.\r?\n/.test(text)) return text[4];
  const lines = text.split(/\r?\n/).slice(0, LOOK_WITHIN_LINES)
    .filter((line) => line.trim() !== "");
  const complete = lines.length > 2 ? lines.slice(0, -1) : lines;
  let best: string | undefined;
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const counts = complete.map((line) => columnsOf(line, delimiter));
    const columns = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)] ?? 1;
    const agreeing = counts.filter((count) => count === columns).length;
    const isTable = isNamed
      ? columns > 1 && agreeing >= counts.length * 0.6
      : columns >= SURE_COLUMNS && counts.length >= SURE_LINES && agreeing === counts.length;
    if (isTable && agreeing * columns > most) {
      most = agreeing * columns;
      best = delimiter;
    }
  }
  // A single column is a table as well, if its name says so.
  return best ?? (isNamed ? "," : undefined);
}

/** Columns of one line; separators within quotation marks do not count. */
function columnsOf(line: string, delimiter: string): number {
  return line.replace(/"(?:[^"]|"")*"/g, "").split(delimiter).length;
}
