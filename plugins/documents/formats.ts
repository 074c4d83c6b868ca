/**
 * The built-in document formats, and how a file finds its own. The sandbox
 * runs this; what an extractor gives is made fit to be stored and shown here.
 */
import { cleaned } from "../../lib/extract/cleaned.ts";
import { type Content, DocumentRefusedError, type Unit } from "../../lib/library.ts";
import type { DocumentFormat, ExtractContext } from "../plugin.ts";
import archive from "./archive.ts";
import delimited from "./delimited.ts";
import docx from "./docx.ts";
import epub from "./epub.ts";
import html from "./html.ts";
import image from "./image.ts";
import locked from "./locked.ts";
import mail from "./mail.ts";
import odf from "./odf.ts";
import pdf from "./pdf.ts";
import pptx from "./pptx.ts";
import rtf from "./rtf.ts";
import spreadsheet from "./spreadsheet.ts";
import text from "./text.ts";
import word from "./word.ts";

/** About 4,000 pages; a document's index is in memory while it is stored. */
const MAX_LETTERS = 10_000_000;

/** In the order in which a file is tried against them: text last, as nearly anything is a text. */
export const formats: readonly DocumentFormat[] = [
  pdf,
  docx,
  spreadsheet,
  pptx,
  odf,
  epub,
  image,
  archive,
  locked,
  word,
  mail,
  rtf,
  html,
  delimited,
  text,
].flatMap((plugin) => plugin.formats ?? []);

/** A file as the format that it is of has read it. */
export interface ReadFile {
  /** The format's name. */
  format: string;
  /** What its places count. */
  unit: Unit;
  /** Sections are cleaned; there is something in it. */
  content: Content;
}

/**
 * Reads a file by the format of its content.
 *
 * @throws {DocumentRefusedError} for a file that cannot be read, or holds nothing to ask about
 */
export async function extractFile(
  bytes: Uint8Array<ArrayBuffer>,
  context: ExtractContext,
): Promise<ReadFile> {
  if (bytes.length === 0) throw new DocumentRefusedError("empty", "it has no bytes");
  const format = formats.find(({ matches }) => matches(bytes, context.name));
  if (format === undefined) {
    throw new DocumentRefusedError("unsupported", "it is of no format that is known here");
  }
  const content = await format.extract(bytes, context);
  const sections = content.sections.map(cleaned).filter(({ text }) => text !== "");
  const letters = sections.reduce((sum, { text }) => sum + text.length, 0);
  if (letters > MAX_LETTERS) {
    throw new DocumentRefusedError("too_large", `it holds ${letters} letters`);
  }
  if (sections.length === 0 && (content.files ?? []).length === 0) {
    throw new DocumentRefusedError("empty", "it holds no text");
  }
  return { format: format.name, unit: format.unit, content: { ...content, sections } };
}
