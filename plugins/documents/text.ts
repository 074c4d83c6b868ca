/** Plain text, Markdown, JSON and XML, in any usual encoding; headings and form feeds are kept. */
import { decodeHead, decodeText } from "../../lib/extract/encoding.ts";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "text",
  formats: [{
    name: "text",
    extensions: ["txt", "md", "json", "xml"],
    unit: "part",
    matches: (bytes) => decodeHead(bytes) !== undefined,
    extract(bytes) {
      const text = decodeText(bytes);
      if (text === undefined) throw new DocumentRefusedError("unsupported", "it is no text");
      return Promise.resolve({ sections: partsOf(blocksOf(inLines(text))) });
    },
  }],
});

/** What a program has written without line ends gets them where a person would look for them. */
function inLines(text: string): string {
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.stringify(JSON.parse(text), null, 1);
    } catch {
      return text;
    }
  }
  return /^\s*<\?xml/.test(text) ? text.replace(/>\s*</g, ">\n<") : text;
}

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
