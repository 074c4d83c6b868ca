/** The documents that the demo offers, and what one may ask about them. */
import type { Language } from "../texts/texts.ts";

const PAGE = { width: 420, height: 595, margin: 48 };
const SIZES = { title: 20, heading: 14, text: 11 };
const LINE = 1.45;

export interface SampleFile {
  name: string;
  bytes: Uint8Array;
  mimeType: string;
}

export interface SampleQuestion {
  question: string;
  /** Where the answer stands, as a citation names it. */
  place: string;
}

/** Questions whose answers stand in the sample of the same language. */
export const SAMPLE_QUESTIONS: Readonly<Record<Language, readonly SampleQuestion[]>> = {
  en: [
    { question: "What notice period applies to an engagement?", place: "p. 4" },
    { question: "How strong was the strongest wind?", place: "p. 5" },
    { question: "How much was spent on cat food?", place: "p. 7" },
  ],
  ru: [
    { question: "Какой залог вносит пилот?", place: "ч. 1" },
    { question: "При каком ветре нельзя поднимать шар?", place: "ч. 1" },
  ],
};

/** The sample of a language: a PDF in English, a Markdown text in Russian. */
export async function sampleFile(language: Language): Promise<SampleFile> {
  const text = await Deno.readTextFile(new URL(`./sample_${language}.md`, import.meta.url));
  if (language === "ru") {
    const bytes = new TextEncoder().encode(text);
    return { name: "Договор проката шара.md", bytes, mimeType: "text/markdown" };
  }
  const bytes = await toPdf(text.split("\n---\n"));
  return { name: "Lighthouse report 2025.pdf", bytes, mimeType: "application/pdf" };
}

/** Sets each text on a page of its own; a line that is too long is broken between words. */
async function toPdf(pages: readonly string[]): Promise<Uint8Array> {
  const { PDFDocument, StandardFonts } = await import("pdf-lib");
  // Without the time of its making, the same sample is the same file each time.
  const pdf = await PDFDocument.create({ updateMetadata: false });
  const regular = await pdf.embedFont(StandardFonts.TimesRoman);
  const bold = await pdf.embedFont(StandardFonts.TimesRomanBold);
  for (const text of pages) {
    const page = pdf.addPage([PAGE.width, PAGE.height]);
    let y = PAGE.height - PAGE.margin;
    for (const line of text.trim().split("\n")) {
      if (/^\|[-|]+\|$/.test(line)) continue;
      const level = /^#+/.exec(line)?.[0].length ?? 0;
      const font = level > 0 ? bold : regular;
      const size = level === 1 ? SIZES.title : level === 2 ? SIZES.heading : SIZES.text;
      if (line.startsWith("|")) {
        const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
        for (const [column, cell] of cells.entries()) {
          page.drawText(cell, { x: PAGE.margin + (column && 130 + column * 65), y, size, font });
        }
        y -= size * LINE;
        continue;
      }
      for (const part of wrap(line.replace(/^#+ /, ""), (s) => font.widthOfTextAtSize(s, size))) {
        page.drawText(part, { x: PAGE.margin, y, size, font });
        y -= size * LINE;
      }
    }
  }
  return await pdf.save();
}

function wrap(text: string, widthOf: (text: string) => number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > PAGE.width - 2 * PAGE.margin) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
