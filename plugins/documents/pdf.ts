/** PDF: a section a page, read by PDFium; pages that are pictures are read letter by letter. */
import type { PDFiumDocument, PDFiumPage } from "@hyzyla/pdfium";
import { MAX_SCANNED_PAGES, readPictures } from "../../lib/extract/scans.ts";
import type { Picture } from "../../lib/extract/ocr.ts";
import { type Content, DocumentRefusedError, type Section } from "../../lib/library.ts";
import { definePlugin, type ExtractContext } from "../plugin.ts";

/** Where a PDF must begin, by the format's own rule of thumb. */
const HEADER_WITHIN = 1_024;
const MAX_PAGES = 5_000;
/** A page with less text than this and something drawn on it is looked at as a picture. */
const FEW_LETTERS = 12;
const SCAN_DPI = 200;
const POINTS_PER_INCH = 72;
/** A page as large as a wall is looked at more coarsely. */
const MAX_PIXELS = 8_000_000;

export default definePlugin({
  name: "pdf",
  formats: [{
    name: "pdf",
    extensions: ["pdf"],
    unit: "page",
    matches: (bytes) => {
      const head = new TextDecoder("latin1").decode(bytes.subarray(0, HEADER_WITHIN));
      return head.includes("%PDF-");
    },
    extract: readPdf,
  }],
});

/** Reads a PDF's pages, in their order. */
export async function readPdf(bytes: Uint8Array, context: ExtractContext): Promise<Content> {
  const library = await (loaded ??= load());
  const document = await library.loadDocument(bytes).catch((error: unknown) => {
    throw refusalOf(error);
  });
  try {
    return await contentOf(document, context);
  } finally {
    document.destroy();
  }
}

async function contentOf(document: PDFiumDocument, context: ExtractContext): Promise<Content> {
  const pages = document.getPageCount();
  if (pages > MAX_PAGES) {
    throw new DocumentRefusedError("too_large", `it has ${pages} pages`);
  }
  const sections: Section[] = [];
  const scanned: number[] = [];
  for (let page = 1; page <= pages; page++) {
    const opened = document.getPage(page - 1);
    const text = readable(opened.getText());
    if (text !== "") sections.push({ page, heading: [], text });
    if (lettersIn(text) < FEW_LETTERS && opened.getObjectCount() > 0) scanned.push(page);
  }
  if (scanned.length === 0) {
    if (sections.length === 0) throw new DocumentRefusedError("no_text", "its pages are blank");
    return { sections, pages };
  }
  const texts = await readPictures(
    scanned.map((page) => () => pictureOf(document.getPage(page - 1))),
    context,
  );
  if (texts.size === 0 && sections.every(({ text }) => lettersIn(text) < FEW_LETTERS)) {
    throw new DocumentRefusedError("unreadable", "no letters can be made out on its pages");
  }
  for (const [n, text] of texts) {
    const page = scanned[n];
    if (page !== undefined) sections.push({ page, heading: [], text: readable(text) });
  }
  sections.sort((a, b) => a.page - b.page);
  // A cover or a divider among pages of text holds a picture, and nothing to make out.
  const isScan = scanned.length > pages / 2;
  const left = Math.max(0, scanned.length - MAX_SCANNED_PAGES);
  return { sections, pages, unread: isScan ? scanned.length - texts.size : left };
}

async function pictureOf(page: PDFiumPage): Promise<Picture> {
  const { originalWidth, originalHeight } = page.getOriginalSize();
  const scale = Math.min(
    SCAN_DPI / POINTS_PER_INCH,
    Math.sqrt(MAX_PIXELS / (originalWidth * originalHeight)),
  );
  const { width, height, data } = await page.render({ scale, render: "bitmap" });
  return { width, height, data };
}

let loaded: ReturnType<typeof load> | undefined;

/** PDFium, compiled once; a sandbox does it before its file arrives. */
async function load() {
  const { PDFiumLibrary } = await import("@hyzyla/pdfium");
  const { default: wasm } = await import("@hyzyla/pdfium/pdfium.wasm", { with: { type: "bytes" } });
  return await PDFiumLibrary.init({ wasmBinary: wasm.buffer as ArrayBuffer });
}

/** Words that a line end has cut are joined; PDFium marks its soft hyphens with U+0002. */
function readable(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    // deno-lint-ignore no-control-regex
    .replace(/[\u0002\u00ad]\n?/g, "")
    .replace(/(\p{Ll})-\n(\p{Ll})/gu, "$1$2")
    .replace(/[\ufffe\uffff]/g, "")
    .replace(/[ \t\u00a0]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim();
}

function lettersIn(text: string): number {
  return text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
}

function refusalOf(error: unknown): DocumentRefusedError {
  const message = error instanceof Error ? error.message : String(error);
  return /password/i.test(message)
    ? new DocumentRefusedError("encrypted", "it needs a password", { cause: error })
    : new DocumentRefusedError("damaged", `PDFium cannot read it: ${message}`, { cause: error });
}
