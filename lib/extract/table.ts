/**
 * A sheet's rows, one after the other, become a table for queries and sections
 * for retrieval, without the whole sheet ever being in memory twice.
 */
import { Buffer } from "node:buffer";
import { createGzip, type Gzip } from "node:zlib";
import { once } from "node:events";
import { DocumentRefusedError, type Section } from "../library.ts";
import type { Cell, Table } from "../tables.ts";
import { type ColumnReader, columnReader } from "./numbers.ts";

/** Rows looked at to find the header and what the columns hold. */
const SAMPLE_ROWS = 200;
/** The header stands among the first of them. */
const HEADER_WITHIN = 20;
const MAX_COLUMNS = 500;
const MAX_ROWS = 1_100_000;
/** What is larger is asked for by query alone; its first rows stand for it in a search. */
const MAX_SECTION_LETTERS = 1_500_000;
/** Rows of one section, and so of a passage, share one header line. */
const SECTION_WORDS = 150;
const COLUMN_NAME_LENGTH = 60;
/** Values of each column that tell a model what to compare with. */
const EXAMPLES = 12;
const EXAMPLE_LENGTH = 60;

export interface Row {
  /** 1-based, as a person sees it. */
  number: number;
  /** As shown. */
  cells: readonly string[];
  /** What they mean, where the file says so; otherwise it is read from `cells`. */
  values?: readonly (string | number | boolean | null)[];
}

/** What one sheet gave; no table where it has no header and rows under it. */
export interface ReadSheet {
  sections: Section[];
  table?: Table;
  /** Rows that are in the table but in no section. */
  unseen: number;
}

/** Takes the rows of one sheet. */
export async function readSheet(
  name: string,
  page: number,
  rows: AsyncIterable<Row> | Iterable<Row>,
): Promise<ReadSheet> {
  const sheet = new SheetReader(name, page);
  for await (const row of rows) {
    if (row.cells.some((cell) => cell.trim() !== "")) await sheet.add(row);
  }
  return await sheet.end();
}

class SheetReader {
  readonly #sections: Section[] = [];
  readonly #sample: Row[] = [];
  #writer: TableWriter | undefined;
  #header: string | undefined;
  #lines: string[] = [];
  #first: Row | undefined;
  #last: Row | undefined;
  #words = 0;
  #letters = 0;
  #rows = 0;
  #unseen = 0;
  #isSampled = false;
  #width = 0;

  constructor(readonly name: string, readonly page: number) {}

  async add(row: Row): Promise<void> {
    if (++this.#rows > MAX_ROWS) {
      throw new DocumentRefusedError("too_large", `a sheet has more than ${MAX_ROWS} rows`);
    }
    if (this.#isSampled) return await this.#take(row);
    this.#sample.push(row);
    if (this.#sample.length >= SAMPLE_ROWS) await this.#settle();
  }

  async end(): Promise<ReadSheet> {
    if (!this.#isSampled) await this.#settle();
    this.#closeSection();
    const table = await this.#writer?.end(this.name, this.page);
    return { sections: this.#sections, unseen: this.#unseen, ...(table && { table }) };
  }

  /** The sample is complete: what stands above the header is text, and the rest is rows. */
  async #settle(): Promise<void> {
    this.#isSampled = true;
    const sample = this.#sample.splice(0);
    const at = headerIn(sample);
    const header = sample[at];
    const rows = header === undefined ? sample : sample.slice(at + 1);
    if (header !== undefined && rows.length > 0) {
      for (const above of sample.slice(0, at)) this.#show(above);
      this.#closeSection();
      this.#header = lineOf(header);
      this.#writer = new TableWriter(header, rows);
      this.#width = this.#writer.width;
      // A header is found also where its first rows say nothing.
      this.#first = header;
    }
    for (const row of header !== undefined && rows.length === 0 ? sample : rows) {
      await this.#take(row);
    }
  }

  async #take(row: Row): Promise<void> {
    await this.#writer?.add(row);
    if (this.#letters > MAX_SECTION_LETTERS) this.#unseen++;
    else this.#show(row);
  }

  #show(row: Row): void {
    const line = lineOf(row);
    this.#first ??= row;
    this.#last = row;
    this.#lines.push(line);
    this.#letters += line.length;
    this.#words += line.split(/\s+/).length;
    if (this.#words >= SECTION_WORDS) this.#closeSection();
  }

  #closeSection(): void {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined || this.#lines.length === 0) return;
    const width = Math.max(this.#width, 1, ...[first, last].map(({ cells }) => cells.length));
    const range = `A${first.number}:${columnName(width)}${last.number}`;
    const lines = this.#header === undefined ? this.#lines : [this.#header, ...this.#lines];
    const heading = [this.name, range].filter(Boolean);
    this.#sections.push({ page: this.page, heading, text: lines.join("\n") });
    this.#lines = [];
    this.#words = 0;
    this.#first = this.#last = undefined;
  }
}

/** Writes rows as they will be queried, compressed as they come. */
class TableWriter {
  readonly width: number;
  readonly #names: string[];
  readonly #readers: ColumnReader[];
  readonly #examples: Set<string>[];
  readonly #gzip: Gzip = createGzip({ level: 6 });
  readonly #chunks: Uint8Array[] = [];
  #lines: string[] = [];
  #rows = 0;

  constructor(header: Row, sample: readonly Row[]) {
    this.width = Math.min(
      MAX_COLUMNS,
      Math.max(header.cells.length, ...sample.map(({ cells }) => cells.length)),
    );
    this.#names = columnNames(header, this.width);
    this.#examples = this.#names.map(() => new Set());
    this.#readers = this.#names.map((_, n) => readerOf(sample, n));
    this.#gzip.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
  }

  async add({ number, cells, values }: Row): Promise<void> {
    const row: Cell[] = [];
    for (const [n, { read, type }] of this.#readers.entries()) {
      const value = values?.[n];
      const isGiven = values !== undefined && (typeof value === "number" || type !== "number");
      row.push(isGiven ? plain(value) : read(cells[n] ?? ""));
    }
    this.#rows++;
    for (const [n, value] of row.entries()) this.#remember(n, value);
    this.#lines.push(JSON.stringify([number, ...row]));
    if (this.#lines.length >= 1_000) await this.#flush();
  }

  async end(name: string, page: number): Promise<Table | undefined> {
    await this.#flush();
    this.#gzip.end();
    await once(this.#gzip, "end");
    if (this.#rows === 0) return undefined;
    const columns = this.#names.map((column, n) => ({
      name: column,
      type: this.#readers[n]?.type ?? "text" as const,
      examples: [...this.#examples[n] ?? []],
    }));
    return { name, page, columns, rows: this.#rows, data: Buffer.concat(this.#chunks) };
  }

  #remember(column: number, value: Cell): void {
    const examples = this.#examples[column];
    if (examples === undefined || value === null || examples.size >= EXAMPLES) return;
    examples.add(String(value).slice(0, EXAMPLE_LENGTH));
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join("\n")}\n`;
    this.#lines = [];
    if (!this.#gzip.write(text)) await once(this.#gzip, "drain");
  }
}

function plain(value: string | number | boolean | null | undefined): Cell {
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  return value === "" ? null : value ?? null;
}

/** A column's reader by what the file says of its values, else by how they look. */
function readerOf(sample: readonly Row[], column: number): ColumnReader {
  const values = sample.flatMap(({ values }) => values?.[column] ?? []);
  const shown = columnReader(sample.map(({ cells }) => cells[column] ?? ""));
  if (values.length === 0) return shown;
  const numbers = values.filter((value) => typeof value === "number").length;
  if (numbers > values.length / 2) return { type: "number", read: shown.read };
  const dates = values.filter((value) => /^\d{4}-\d\d-\d\d( |$)/.test(String(value))).length;
  return dates > values.length / 2 ? { type: "date", read: shown.read } : shown;
}

/**
 * The row that names the columns: texts alone, as wide as what follows, and
 * above it only what is narrower. -1 when the sheet has none.
 */
export function headerIn(rows: readonly Row[]): number {
  const width = (row: Row) => row.cells.filter((cell) => cell.trim() !== "").length;
  const typical = median(rows.slice(0, HEADER_WITHIN * 2).map(width));
  return rows.slice(0, HEADER_WITHIN).findIndex((row) => {
    const filled = row.cells.filter((cell) => cell.trim() !== "");
    return filled.length >= Math.max(1, typical * 0.6) &&
      new Set(filled).size === filled.length &&
      filled.every((cell) => !/^[-+−(]?[\d\s.,%]+\)?$/.test(cell) || /^(19|20)\d\d$/.test(cell));
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Names for a query: what stands in the header, unlike each other and never empty. */
function columnNames(header: Row, width: number): string[] {
  const names: string[] = [];
  // SQL does not tell capitals apart.
  const taken = new Set<string>();
  for (let n = 0; n < width; n++) {
    const written = (header.cells[n] ?? "").replace(/["\s]+/g, " ").trim();
    const base = written.slice(0, COLUMN_NAME_LENGTH) || columnName(n + 1);
    let name = base;
    for (let again = 2; taken.has(name.toLowerCase()); again++) name = `${base} ${again}`;
    taken.add(name.toLowerCase());
    names.push(name);
  }
  return names;
}

function lineOf({ cells }: Row): string {
  return cells.map((cell) => cell.replace(/\s+/g, " ").trim()).join(" | ")
    .replace(/(?:\s*\|)+\s*$/, "");
}

/** The letters of a column by its 1-based number: 28 is AB. */
export function columnName(number: number): string {
  let letters = "";
  for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    letters = String.fromCharCode(65 + (rest - 1) % 26) + letters;
  }
  return letters;
}
