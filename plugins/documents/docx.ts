/** Word documents (DOCX): parts of a few thousand letters, with the headings above them. */
import { Buffer } from "node:buffer";
import { readHtml } from "../../lib/extract/markup.ts";
import { partsOf } from "../../lib/extract/parts.ts";
import { checkZip, holdsFile } from "../../lib/extract/office.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "docx",
  formats: [{
    name: "docx",
    extensions: ["docx"],
    unit: "part",
    matches: (bytes) => holdsFile(bytes, "word/document.xml"),
    async extract(bytes) {
      // The library inflates without a limit of its own.
      await checkZip(bytes);
      const { default: mammoth } = await import("mammoth");
      const { value: html } = await mammoth.convertToHtml(
        { buffer: Buffer.from(bytes) },
        { includeDefaultStyleMap: true, convertImage: mammoth.images.imgElement(noImage) },
      ).catch((error: unknown) => {
        if (error instanceof RangeError) throw error;
        throw new DocumentRefusedError("damaged", "it is no readable DOCX", { cause: error });
      });
      return { sections: partsOf(readHtml(html).blocks) };
    },
  }],
});

function noImage(): Promise<{ src: string }> {
  return Promise.resolve({ src: "" });
}
