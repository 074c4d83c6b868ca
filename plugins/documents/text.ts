/** Plain text and Markdown, in any usual encoding; headings and form feeds are kept. */
import { decodeText } from "../../lib/extract/encoding.ts";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "text",
  formats: [{
    name: "text",
    extensions: ["txt", "md"],
    unit: "part",
    matches: (bytes) => decodeText(bytes) !== undefined,
    extract(bytes) {
      const text = decodeText(bytes);
      if (text === undefined) throw new DocumentRefusedError("unsupported", "it is no text");
      const sections = partsOf(blocksOf(text));
      if (sections.length === 0) throw new DocumentRefusedError("empty", "it holds no text");
      return Promise.resolve(sections);
    },
  }],
});

/** Paragraphs, with Markdown's headings told apart. */
function* blocksOf(text: string): Generator<Block> {
  for (const paragraph of text.replace(/\r\n?/g, "\n").split(/\n\s*\n|\f/)) {
    const trimmed = paragraph.trim();
    const [, marks, heading, rest] = /^(#{1,6}) +(.+?)(?: #+)?(?:\n|$)([\s\S]*)$/.exec(trimmed) ??
      [];
    if (marks !== undefined && heading !== undefined) {
      yield { level: marks.length, text: heading };
      if (rest?.trim()) yield { text: rest.trim() };
    } else if (trimmed !== "") yield { text: trimmed };
  }
}
