/** Workbooks: XLSX read row by row, whatever its size; XLS and ODS by a library, whole. */
import { checkZip, isZip } from "../../lib/extract/office.ts";
import { readSheet, type Row } from "../../lib/extract/table.ts";
import { isWorkbook, openWorkbook } from "../../lib/extract/xlsx.ts";
import { type Content, DocumentRefusedError, type Section } from "../../lib/library.ts";
import type { Table } from "../../lib/tables.ts";
import { definePlugin } from "../plugin.ts";
import { isOfType } from "./odf.ts";

const LIMITS = {
  inflatedBytes: 1_500 * 1024 * 1024,
  sharedLetters: 100_000_000,
  cellsPerRow: 500,
};
const OLE_HEADER = [0xd0, 0xcf, 0x11, 0xe0];

export default definePlugin({
  name: "spreadsheet",
  formats: [
    {
      name: "xlsx",
      extensions: ["xlsx"],
      unit: "sheet",
      matches: isWorkbook,
      async extract(bytes) {
        return await contentOf(await openWorkbook(bytes, LIMITS));
      },
    },
    {
      name: "ods",
      extensions: ["ods"],
      unit: "sheet",
      matches: (bytes) => isOfType(bytes, "spreadsheet"),
      async extract(bytes) {
        await checkZip(bytes);
        return await readByLibrary(bytes);
      },
    },
    {
      name: "xls",
      extensions: ["xls"],
      unit: "sheet",
      matches: (bytes) => holdsStream(bytes, "Workbook") || holdsStream(bytes, "Book"),
      extract: readByLibrary,
    },
  ],
});

/** Whether `bytes` is an old Office file with a part of this name. */
export function holdsStream(bytes: Uint8Array, name: string): boolean {
  if (isZip(bytes) || !OLE_HEADER.every((byte, n) => bytes[n] === byte)) return false;
  // Names stand in the directory as UTF-16, after a sector's boundary.
  const wanted = new Uint8Array([...`${name}\0`].flatMap((sign) => [sign.charCodeAt(0), 0]));
  for (let at = 512; at + wanted.length <= bytes.length; at += 128) {
    if (wanted.every((byte, n) => bytes[at + n] === byte)) return true;
  }
  return false;
}

async function readByLibrary(bytes: Uint8Array): Promise<Content> {
  const { read, utils } = await import("@e965/xlsx");
  let workbook;
  try {
    workbook = read(bytes, { cellDates: true, dense: true, cellNF: false, cellHTML: false });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = /password|encrypt/i.test(message) ? "encrypted" : "damaged";
    throw new DocumentRefusedError(reason, `it cannot be opened: ${message}`, { cause: error });
  }
  const { SheetNames, Sheets } = workbook;
  return await contentOf(SheetNames.map((name) => ({
    name,
    *rows(): Generator<Row> {
      const sheet = Sheets[name];
      if (sheet === undefined || sheet["!ref"] === undefined) return;
      const { s: { r: top } } = utils.decode_range(sheet["!ref"]);
      const options = { header: 1, blankrows: true, defval: "" } as const;
      const shown = utils.sheet_to_json<string[]>(sheet, { ...options, raw: false });
      const values = utils.sheet_to_json<unknown[]>(sheet, { ...options, raw: true });
      for (const [n, cells] of shown.entries()) {
        yield {
          number: top + n + 1,
          cells: cells.map(String),
          values: (values[n] ?? []).map(valueOf),
        };
      }
    },
  })));
}

function valueOf(value: unknown): string | number | null {
  if (value instanceof Date) {
    const [day = "", time = ""] = value.toISOString().split("T");
    return time.startsWith("00:00:00") ? day : `${day} ${time.slice(0, 8)}`;
  }
  if (typeof value === "number") return value;
  return value === undefined || value === null || value === "" ? null : String(value);
}

/** All sheets, numbered as they stand in the workbook. */
async function contentOf(
  sheets: readonly { name: string; rows(): AsyncIterable<Row> | Iterable<Row> }[],
): Promise<Content> {
  const sections: Section[] = [];
  const tables: Table[] = [];
  for (const [n, sheet] of sheets.entries()) {
    const read = await readSheet(sheet.name, n + 1, sheet.rows());
    sections.push(...read.sections);
    if (read.table !== undefined) tables.push(read.table);
  }
  return { sections, tables, pages: sheets.length };
}
