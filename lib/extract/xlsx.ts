/**
 * XLSX, row by row: the libraries hold a whole workbook in memory, and die of
 * a million rows; here a row is gone once it is used.
 */
import { SaxesParser } from "saxes";
import { DocumentRefusedError } from "../library.ts";
import { type CellFormat, cellFormat } from "./cell_format.ts";
import { resolvePath } from "./office.ts";
import type { Row } from "./table.ts";
import { type Budget, entriesOf, openEntry, type ZipEntry } from "./unzip.ts";

const WORKBOOK = "xl/workbook.xml";
/** No program lets a cell hold more. */
const MAX_CELL_LETTERS = 32_767;
/** Nor a workbook more styles. */
const MAX_FORMATS = 65_536;
/** Honest XML never goes on for so long without a tag. */
const MAX_SILENT_LETTERS = 16 * 1024 * 1024;
const MAX_DEPTH = 100;
/** What a shared text costs beside its letters, so that empty ones are bounded as well. */
const SHARED_TEXT_COST = 4;
/** Shared texts that were read last; what many cells show is decoded once. */
const RECENT_TEXTS = 4_096;

export interface WorkbookLimits {
  /** Of all files of the workbook, together. */
  inflatedBytes: number;
  /** Letters of all texts that cells share. */
  sharedLetters: number;
  /** What stands further to the right is left out. */
  cellsPerRow: number;
}

export interface WorkbookSheet {
  name: string;
  /** Rows that hold something, as they stand in the sheet. */
  rows(): AsyncGenerator<Row>;
}

/** Whether `bytes` is a ZIP with a workbook in it. */
export function isWorkbook(bytes: Uint8Array): boolean {
  return entriesOf(bytes).some(({ name }) => name === WORKBOOK);
}

/**
 * The sheets that a person sees, in their order.
 *
 * @throws {DocumentRefusedError} for what is damaged, encrypted or too large; also while rows are read
 */
export async function openWorkbook(
  bytes: Uint8Array,
  limits: WorkbookLimits,
): Promise<WorkbookSheet[]> {
  const budget = { left: limits.inflatedBytes };
  const files = new Map(entriesOf(bytes).map((entry) => [entry.name, entry]));
  const read = (path: string, handlers: Handlers) =>
    readXml(bytes, files.get(path), budget, handlers);
  const { sheets, is1904 } = await sheetsIn(read);
  if (sheets.length === 0) throw new DocumentRefusedError("damaged", "it names no sheet");
  const formats = await formatsIn(read, is1904);
  const shared = await sharedTexts(read, limits.sharedLetters);
  return sheets.map(({ name, path }) => ({
    name,
    async *rows() {
      if (!files.has(path)) throw new DocumentRefusedError("damaged", "a sheet of it is missing");
      const reader = new RowReader(shared, formats, limits.cellsPerRow);
      for await (const _ of read(path, reader)) {
        yield* reader.rows;
        reader.rows = [];
      }
    },
  }));
}

/** What is told while XML is read; names are without their prefixes. */
interface Handlers {
  open(name: string, attributes: Attributes): void;
  close?(name: string): void;
  text?(text: string): void;
}
type Attributes = Readonly<Record<string, string>>;
type Read = (path: string, handlers: Handlers) => AsyncGenerator<void, void>;

/** Reads a file's XML as it is inflated, and pauses after each chunk; a missing file is empty. */
async function* readXml(
  bytes: Uint8Array,
  entry: ZipEntry | undefined,
  budget: Budget,
  handlers: Handlers,
): AsyncGenerator<void, void> {
  if (entry === undefined) return;
  const parser = new SaxesParser({ xmlns: false, position: false });
  let depth = 0;
  let silent = 0;
  parser.on("error", (error) => {
    throw new DocumentRefusedError("damaged", `its XML is broken: ${error.message}`);
  });
  parser.on("opentag", ({ name, attributes }) => {
    silent = 0;
    if (++depth > MAX_DEPTH) throw new DocumentRefusedError("too_complex", "its XML is too deep");
    handlers.open(bareName(name), attributes);
  });
  parser.on("closetag", ({ name }) => {
    silent = 0;
    depth--;
    handlers.close?.(bareName(name));
  });
  const text = (text: string) => handlers.text?.(text);
  parser.on("text", text);
  parser.on("cdata", text);
  const decoder = new TextDecoder();
  for await (const chunk of openEntry(bytes, entry, budget)) {
    silent += chunk.length;
    parser.write(decoder.decode(chunk, { stream: true }));
    if (silent > MAX_SILENT_LETTERS) {
      throw new DocumentRefusedError("too_large", "a text is endless");
    }
    yield;
  }
  parser.write(decoder.decode()).close();
  yield;
}

async function finish(reading: AsyncGenerator<void, void>): Promise<void> {
  for await (const _ of reading) {
    // The handlers take it all.
  }
}

function bareName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

async function sheetsIn(read: Read) {
  const targets = new Map<string, string>();
  await finish(read("xl/_rels/workbook.xml.rels", {
    open(name, { Id: id, Target: target }) {
      if (name === "Relationship" && id && target) targets.set(id, pathOf(target));
    },
  }));
  const sheets: { name: string; path: string }[] = [];
  let is1904 = false;
  await finish(read(WORKBOOK, {
    open(name, attributes) {
      if (name === "workbookPr") is1904 = /^(1|true)$/.test(attributes.date1904 ?? "");
      if (name !== "sheet" || (attributes.state ?? "visible") !== "visible") return;
      // The prefix is the writer's choice, and some write none.
      const id = Object.keys(attributes).find((key) => bareName(key) === "id");
      const path = targets.get(attributes[id ?? ""] ?? "");
      if (path !== undefined) sheets.push({ name: attributes.name ?? "", path });
    },
  }));
  return { sheets, is1904 };
}

function pathOf(target: string): string {
  try {
    return resolvePath(WORKBOOK, target);
  } catch {
    // What is no address leads nowhere, as do addresses of files that are not there.
    return "";
  }
}

/** Formats by the style number that cells name. */
async function formatsIn(read: Read, is1904: boolean): Promise<CellFormat[]> {
  const codes = new Map<number, string>();
  const known = new Map<number, CellFormat>();
  const formats: CellFormat[] = [];
  let isInCells = false;
  await finish(read("xl/styles.xml", {
    open(name, { numFmtId, formatCode = "" }) {
      if (name === "cellXfs") isInCells = true;
      if (name === "numFmt" && codes.size < MAX_FORMATS) codes.set(Number(numFmtId), formatCode);
      if (name !== "xf" || !isInCells || formats.length >= MAX_FORMATS) return;
      const id = Number(numFmtId ?? 0);
      const format = known.get(id) ?? cellFormat(id, codes.get(id), is1904);
      known.set(id, format);
      formats.push(format);
    },
    close(name) {
      if (name === "cellXfs") isInCells = false;
    },
  }));
  return formats;
}

/** The texts that cells refer to by number; how they are pronounced is left out. */
async function sharedTexts(read: Read, maxLetters: number): Promise<SharedTexts> {
  const texts = new SharedTexts();
  const reader = new TextReader(["t"]);
  let letters = 0;
  await finish(read("xl/sharedStrings.xml", {
    open(name) {
      if (name === "si") reader.text = "";
      reader.open(name);
    },
    text: (text) => reader.add(text),
    close(name) {
      reader.close(name);
      if (name !== "si") return;
      letters += reader.text.length + SHARED_TEXT_COST;
      if (letters > maxLetters) {
        throw new DocumentRefusedError("too_large", "its texts are too long");
      }
      texts.add(unescaped(reader.text));
    },
  }));
  return texts;
}

/** Texts in one block of memory: as strings, a million of them would fill the heap. */
class SharedTexts {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #encoder = new TextEncoder();
  readonly #recent: { n: number; text: string }[] = [];
  #bytes = new Uint8Array(65_536);
  #ends = new Uint32Array(4_096);
  #count = 0;

  add(text: string): void {
    const start = this.#startOf(this.#count);
    const needed = start + text.length * 3;
    if (needed > this.#bytes.length) {
      this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(Math.ceil(needed * 1.5)));
    }
    if (this.#count === this.#ends.length) {
      this.#ends = new Uint32Array(this.#ends.buffer.transfer(this.#ends.byteLength * 2));
    }
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(start));
    this.#ends[this.#count++] = start + written;
  }

  at(n: number): string {
    if (!(n >= 0 && n < this.#count)) return "";
    const recent = this.#recent[n % RECENT_TEXTS];
    if (recent?.n === n) return recent.text;
    const text = this.#decoder.decode(this.#bytes.subarray(this.#startOf(n), this.#ends[n]));
    this.#recent[n % RECENT_TEXTS] = { n, text };
    return text;
  }

  #startOf(n: number): number {
    return n === 0 ? 0 : this.#ends[n - 1] ?? 0;
  }
}

/** Gathers the text of some elements, without what is said of its pronunciation. */
class TextReader {
  text = "";
  #isIn = false;
  #isPhonetic = false;

  constructor(readonly elements: readonly string[]) {}

  open(name: string): void {
    if (name === "rPh") this.#isPhonetic = true;
    else if (this.elements.includes(name)) this.#isIn = !this.#isPhonetic;
  }

  close(name: string): void {
    if (name === "rPh") this.#isPhonetic = false;
    else if (this.elements.includes(name)) this.#isIn = false;
  }

  add(text: string): void {
    if (this.#isIn && this.text.length < MAX_CELL_LETTERS) {
      this.text += text.slice(0, MAX_CELL_LETTERS - this.text.length);
    }
  }
}

/** Signs that XML cannot hold are written as `_x000D_`. */
function unescaped(text: string): string {
  if (!text.includes("_x")) return text;
  return text.replace(
    /_x([0-9a-f]{4})_/gi,
    (_, code: string) => String.fromCharCode(parseInt(code, 16)),
  );
}

const GENERAL = cellFormat(0, undefined, false);

/** Makes rows of a sheet's XML; whoever reads on takes them from `rows`. */
class RowReader implements Handlers {
  rows: Row[] = [];
  readonly #value = new TextReader(["v", "t"]);
  #number = 0;
  #cells: string[] = [];
  #values: (string | number | boolean | null)[] = [];
  #at = -1;
  #type = "";
  #style = 0;

  constructor(
    readonly shared: SharedTexts,
    readonly formats: readonly CellFormat[],
    readonly maxCells: number,
  ) {}

  open(name: string, attributes: Attributes): void {
    if (name === "c") {
      const column = columnIn(attributes.r ?? "");
      this.#at = column < 0 ? this.#at + 1 : column;
      this.#type = attributes.t ?? "n";
      this.#style = Number(attributes.s ?? 0);
      this.#value.text = "";
    } else if (name === "row") {
      const number = Number(attributes.r);
      this.#number = Number.isSafeInteger(number) && number > 0 ? number : this.#number + 1;
      this.#cells = [];
      this.#values = [];
      this.#at = -1;
    } else this.#value.open(name);
  }

  text(text: string): void {
    this.#value.add(text);
  }

  close(name: string): void {
    if (name === "c") this.#take(this.#value.text);
    else if (name === "row" && this.#cells.length > 0) {
      this.rows.push({ number: this.#number, cells: this.#cells, values: this.#values });
    } else this.#value.close(name);
  }

  #take(text: string): void {
    if (this.#at >= this.maxCells || text === "") return;
    while (this.#cells.length < this.#at) {
      this.#cells.push("");
      this.#values.push(null);
    }
    const number = Number(text);
    if (this.#type === "b") this.#put(text === "1" ? "TRUE" : "FALSE", text === "1");
    else if (this.#type === "s") this.#put(this.shared.at(number));
    else if (this.#type === "d") {
      this.#put(text.replace(/T00:00:00.*|Z$|\.\d+Z?$/, "").replace("T", " "));
    } else if (this.#type !== "n" || !Number.isFinite(number)) this.#put(unescaped(text));
    else {
      const format = this.formats[this.#style] ?? GENERAL;
      this.#put(format.show(number), format.read(number));
    }
  }

  #put(shown: string, value: string | number | boolean | null = shown === "" ? null : shown): void {
    this.#cells[this.#at] = shown;
    this.#values[this.#at] = value;
  }
}

/** The 0-based column of a reference such as `AB12`; -1 where it names none. */
export function columnIn(reference: string): number {
  let column = 0;
  for (let n = 0; n < reference.length; n++) {
    const digit = reference.charCodeAt(n) - 64;
    if (digit < 1 || digit > 26) break;
    column = column * 26 + digit;
  }
  return column - 1;
}
