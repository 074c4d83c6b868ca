/** Word documents (DOCX): parts of a few thousand letters, with the headings above them. */
import { Buffer } from "node:buffer";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { holdsFile, inflatedSize } from "../../lib/extract/zip.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const MAX_INFLATED_BYTES = 200 * 1024 * 1024;

export default definePlugin({
  name: "docx",
  formats: [{
    name: "docx",
    extensions: ["docx"],
    unit: "part",
    matches: (bytes) => holdsFile(bytes, "word/document.xml"),
    async extract(bytes) {
      if (inflatedSize(bytes) > MAX_INFLATED_BYTES) {
        throw new DocumentRefusedError("too_large", "it inflates to more than 200 MB");
      }
      const { default: mammoth } = await import("mammoth");
      const { value: html } = await mammoth.convertToHtml(
        { buffer: Buffer.from(bytes) },
        { includeDefaultStyleMap: true, convertImage: mammoth.images.imgElement(noImage) },
      ).catch((error: unknown) => {
        throw new DocumentRefusedError("damaged", "it is no readable DOCX", { cause: error });
      });
      const sections = partsOf(blocksOf(html));
      if (sections.length === 0) throw new DocumentRefusedError("empty", "it holds no text");
      return sections;
    },
  }],
});

function noImage(): Promise<{ src: string }> {
  return Promise.resolve({ src: "" });
}

/** Mammoth's HTML is small and regular: blocks without attributes that matter here. */
function* blocksOf(html: string): Generator<Block> {
  const pattern =
    /<h([1-6])[^>]*>(.*?)<\/h\1>|<table[^>]*>.*?<\/table>|<(?:p|li)[^>]*>(.*?)(?=<\/p>|<\/li>|<ul>|<ol>)/gs;
  for (const match of html.matchAll(pattern)) {
    const [whole, level, heading, paragraph] = match;
    if (heading !== undefined) yield { level: Number(level), text: plain(heading) };
    else if (paragraph !== undefined) yield { text: plain(paragraph) };
    else for (const row of rowsOf(whole)) yield { text: row, row: true };
  }
}

function* rowsOf(table: string): Generator<string> {
  for (const [row] of table.matchAll(/<tr[^>]*>.*?<\/tr>/gs)) {
    const cells = [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)];
    yield cells.map(([, cell = ""]) => plain(cell.replace(/<\/p>/g, " "))).join(" | ");
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

function plain(html: string): string {
  return html.replace(/<br\s*\/?>/g, "\n").replace(/<[^>]*>/g, "")
    .replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      return ENTITIES[name] ?? whole;
    })
    .replace(/[ \t]+/g, " ").trim();
}
