/** CSV and TSV: a table, its separator and encoding found out. */
import { decodeHead, decodeText } from "../../lib/extract/encoding.ts";
import { readSheet, type Row } from "../../lib/extract/table.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const DELIMITERS = [";", "\t", ",", "|"];
const LOOK_WITHIN = 64 * 1024;
const LOOK_WITHIN_LINES = 50;
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
      const text = decodeText(bytes);
      if (text === undefined) throw new DocumentRefusedError("damaged", "it is no text");
      const named = /^sep=(.)\r?\n/.exec(text);
      const delimiter = named?.[1] ?? delimiterOf(text.slice(0, LOOK_WITHIN), true) ?? ",";
      const { default: Papa } = await import("papaparse");
      const { data }: { data: string[][] } = Papa.parse(
        named === null ? text : text.slice(named[0].length),
        {
          delimiter,
          skipEmptyLines: false,
        },
      );
      const { sections, table } = await readSheet("", 1, rowsOf(data));
      return { sections, pages: 1, ...(table && { tables: [table] }) };
    },
  }],
});

function* rowsOf(data: readonly string[][]): Generator<Row> {
  for (const [n, cells] of data.entries()) yield { number: n + 1, cells };
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
