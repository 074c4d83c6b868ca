/** Word documents of before 2007 (DOC): their text, in parts. */
import { Buffer } from "node:buffer";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";
import { holdsStream } from "./spreadsheet.ts";

export default definePlugin({
  name: "word",
  formats: [{
    name: "doc",
    extensions: ["doc"],
    unit: "part",
    matches: (bytes) => holdsStream(bytes, "WordDocument"),
    async extract(bytes) {
      const { default: WordExtractor } = await import("word-extractor");
      let text: string;
      try {
        const document = await new WordExtractor().extract(Buffer.from(bytes));
        text = [document.getBody(), document.getFootnotes(), document.getEndnotes()].join("\n");
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const reason = /encrypt|password/i.test(message) ? "encrypted" : "damaged";
        throw new DocumentRefusedError(reason, `it cannot be opened: ${message}`, { cause: error });
      }
      return { sections: partsOf(blocksOf(text)) };
    },
  }],
});

/** The library parts cells by tabs and paragraphs by line ends. */
function* blocksOf(text: string): Generator<Block> {
  for (const line of text.split(/\n+/)) {
    const row = line.split("\t").map((cell) => cell.trim());
    if (row.length > 1) yield { text: row.join(" | ").replace(/[ |]+$/, ""), row: true };
    else yield { text: line.trim() };
  }
}
