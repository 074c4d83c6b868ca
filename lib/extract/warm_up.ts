/**
 * What a reader does while it waits for its file: it reads a page of its own,
 * so that the libraries are loaded and compiled when the user's page comes.
 */
import { extractFile } from "../../plugins/documents/formats.ts";
import { indexSections } from "../retrieval/index.ts";

/** A page in both languages' letters costs a font; figures and Latin words do as well. */
const LINES = [
  "The first page of a report, dated 12 March 2024, with figures: 1,234.50 and 98 %.",
  "It is read for practice by each reader before a file of somebody comes.",
];

export async function warmUp(): Promise<void> {
  const unused = () => Promise.reject(new Error("Cannot read pictures for practice"));
  const context = { name: "practice.pdf", depth: 0, onScanned: unused, ocrPart: unused };
  const [{ content }] = await Promise.all([
    extractFile(practicePdf(), context),
    // The slowest of the others to load.
    import("mammoth"),
  ]);
  indexSections(content.sections);
}

/** The smallest PDF with these lines; PDFium mends its missing cross-references. */
function practicePdf(): Uint8Array<ArrayBuffer> {
  const text = LINES.map((line) => `(${line.replace(/[()\\]/g, "\\$&")}) Tj T*`).join("\n");
  const stream = `BT /F1 11 Tf 14 TL 50 800 Td ${text} ET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R " +
    "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >> >> >> >>",
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
  ];
  const body = objects.map((object, n) => `${n + 1} 0 obj\n${object}\nendobj`).join("\n");
  return new TextEncoder().encode(`%PDF-1.4\n${body}\ntrailer << /Root 1 0 R >>\n%%EOF`);
}
