/** PDF: a section a page, read by PDFium. */
import { DocumentRefusedError, type Section } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

/** Where a PDF must begin, by the format's own rule of thumb. */
const HEADER_WITHIN = 1_024;
const MAX_PAGES = 5_000;

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
    async extract(bytes) {
      const library = await loadPdfium();
      const document = await library.loadDocument(bytes).catch((error: unknown) => {
        throw refusalOf(error);
      });
      const sections: Section[] = [];
      for (const page of document.pages()) {
        if (sections.length >= MAX_PAGES) {
          throw new DocumentRefusedError("too_large", `it has more than ${MAX_PAGES} pages`);
        }
        sections.push({ page: sections.length + 1, heading: [], text: readable(page.getText()) });
      }
      document.destroy();
      if (sections.every(({ text }) => text === "")) {
        throw new DocumentRefusedError("no_text", "its pages hold no text");
      }
      return sections;
    },
  }],
});

/** Loads PDFium; a sandbox does it before its file arrives. */
export async function loadPdfium() {
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
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[ \t\u00a0]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim();
}

function refusalOf(error: unknown): DocumentRefusedError {
  const message = error instanceof Error ? error.message : String(error);
  return /password/i.test(message)
    ? new DocumentRefusedError("encrypted", "it needs a password", { cause: error })
    : new DocumentRefusedError("damaged", `PDFium cannot read it: ${message}`, { cause: error });
}
