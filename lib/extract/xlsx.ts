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
  const events = (path: string) => xmlEvents(bytes, files.get(path), budget);
  const targets = new Map<string, string>();
  for await (const event of events("xl/_rels/workbook.xml.rels")) {
    if (event.open !== "Relationship") continue;
    targets.set(event.get("Id") ?? "", resolvePath(WORKBOOK, event.get("Target") ?? ""));
  }
  const sheets: { name: string; path: string }[] = [];
  let is1904 = false;
  for await (const event of events(WORKBOOK)) {
    if (event.open === "workbookPr") is1904 = /^(1|true)$/.test(event.get("date1904") ?? "");
    if (
      event.open !== "sheet" || event.get("state") !== undefined && event.get("state") !== "visible"
    ) {
      continue;
    }
    const path = targets.get(event.get("r:id") ?? event.get("id") ?? "");
    if (path !== undefined) sheets.push({ name: event.get("name") ?? "", path });
  }
  if (sheets.length === 0) throw new DocumentRefusedError("damaged", "it names no sheet");
  const formats = await formatsIn(events("xl/styles.xml"), is1904);
  const shared = await sharedTexts(events("xl/sharedStrings.xml"), limits.sharedLetters);
  return sheets.map(({ name, path }) => ({
    name,
    rows: () => rowsIn(events(path), shared, formats, limits.cellsPerRow),
  }));
}

interface XmlEvent {
  /** Name of an element that begins, without its prefix. */
  open?: string;
  /** Name of an element that ends. */
  close?: string;
  text?: string;
  get(attribute: string): string | undefined;
}

const none = () => undefined;

/** A file's XML as it is inflated; nothing for a file that is not there. */
async function* xmlEvents(
  bytes: Uint8Array,
  entry: ZipEntry | undefined,
  budget: Budget,
): AsyncGenerator<XmlEvent, void> {
  if (entry === undefined) return;
  const parser = new SaxesParser();
  let events: XmlEvent[] = [];
  parser.on("error", (error) => {
    throw new DocumentRefusedError("damaged", `its XML is broken: ${error.message}`);
  });
  parser.on("opentag", ({ name, attributes }) => {
    events.push({ open: bareName(name), get: (wanted) => attributes[wanted] });
  });
  parser.on("closetag", ({ name }) => events.push({ close: bareName(name), get: none }));
  parser.on("text", (text) => events.push({ text, get: none }));
  const decoder = new TextDecoder();
  for await (const chunk of openEntry(bytes, entry, budget)) {
    parser.write(decoder.decode(chunk, { stream: true }));
    yield* events;
    events = [];
  }
  parser.write(decoder.decode()).close();
  yield* events;
}

function bareName(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(colon + 1);
}

/** The texts that cells refer to by number; how they are pronounced is left out. */
async function sharedTexts(
  events: AsyncIterable<XmlEvent>,
  maxLetters: number,
): Promise<string[]> {
  const texts: string[] = [];
  let text = "";
  let letters = 0;
  let inText = false;
  let inPhonetic = false;
  for await (const { open, close, text: data } of events) {
    if (open === "si") text = "";
    else if (open === "t") inText = true;
    else if (open === "rPh") inPhonetic = true;
    else if (close === "t") inText = false;
    else if (close === "rPh") inPhonetic = false;
    else if (close === "si") texts.push(text);
    else if (data !== undefined && inText && !inPhonetic) {
      text += data;
      letters += data.length;
      if (letters > maxLetters) {
        throw new DocumentRefusedError("too_large", "its texts are too long");
      }
    }
  }
  return texts;
}

/** Formats by the style number that cells name. */
async function formatsIn(
  events: AsyncIterable<XmlEvent>,
  is1904: boolean,
): Promise<CellFormat[]> {
  const codes = new Map<number, string>();
  const formats: CellFormat[] = [];
  let inCells = false;
  for await (const { open, close, get } of events) {
    if (open === "numFmt") codes.set(Number(get("numFmtId")), get("formatCode") ?? "");
    if (open === "cellXfs") inCells = true;
    if (close === "cellXfs") inCells = false;
    if (open !== "xf" || !inCells) continue;
    const id = Number(get("numFmtId") ?? 0);
    formats.push(cellFormat(id, codes.get(id), is1904));
  }
  return formats;
}

async function* rowsIn(
  events: AsyncIterable<XmlEvent>,
  shared: readonly string[],
  formats: readonly CellFormat[],
  maxCells: number,
): AsyncGenerator<Row> {
  const general = cellFormat(0, undefined, false);
  let number = 0;
  let cells: string[] = [];
  let values: (string | number | null)[] = [];
  let at = 0;
  let type = "";
  let style = 0;
  let text = "";
  let inValue = false;

  const take = () => {
    if (at >= maxCells || text === "") return;
    while (cells.length < at) {
      cells.push("");
      values.push(null);
    }
    if (type === "s" || type === "str" || type === "inlineStr" || type === "e" || type === "d") {
      cells[at] = values[at] = type === "s" ? shared[Number(text)] ?? "" : text;
    } else if (type === "b") cells[at] = values[at] = text === "1" ? "TRUE" : "FALSE";
    else {
      const value = Number(text);
      const format = formats[style] ?? general;
      cells[at] = Number.isFinite(value) ? format.show(value) : text;
      values[at] = Number.isFinite(value) ? format.read(value) : text;
    }
  };
  for await (const { open, close, text: data, get } of events) {
    if (data !== undefined) {
      if (inValue) text += data;
    } else if (open === "row") {
      number = Number(get("r")) || number + 1;
      cells = [];
      values = [];
      at = -1;
    } else if (open === "c") {
      const reference = get("r");
      at = reference === undefined ? at + 1 : columnIn(reference);
      type = get("t") ?? "";
      style = Number(get("s") ?? 0);
      text = "";
    } else if (open === "v" || open === "t") inValue = true;
    else if (close === "v" || close === "t") inValue = false;
    else if (open === "rPh") inValue = false;
    else if (close === "c") take();
    else if (close === "row" && cells.length > 0) yield { number, cells, values };
  }
}

/** The 0-based column of a reference such as `AB12`. */
export function columnIn(reference: string): number {
  let column = 0;
  for (const letter of reference) {
    const digit = letter.charCodeAt(0) - 64;
    if (digit < 1 || digit > 26) break;
    column = column * 26 + digit;
  }
  return column - 1;
}
