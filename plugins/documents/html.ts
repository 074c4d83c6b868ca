/** Web pages: headings, paragraphs and tables, without what only the browser needs. */
import { decodeText } from "../../lib/extract/encoding.ts";
import { readHtml } from "../../lib/extract/markup.ts";
import { partsOf } from "../../lib/extract/parts.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const LOOK_WITHIN = 2_048;

export default definePlugin({
  name: "html",
  formats: [{
    name: "html",
    extensions: ["html", "htm"],
    unit: "part",
    matches(bytes) {
      const head = new TextDecoder("latin1").decode(bytes.subarray(0, LOOK_WITHIN));
      return /<!doctype html|<html[\s>]|<body[\s>]/i.test(head.replaceAll("\0", ""));
    },
    extract(bytes) {
      const html = decodeText(bytes);
      if (html === undefined) throw new DocumentRefusedError("damaged", "it is no text");
      const { title, blocks } = readHtml(html);
      const isTitled = title !== "" && blocks[0]?.text !== title;
      return Promise.resolve({
        sections: partsOf(isTitled ? [{ text: title }, ...blocks] : blocks),
      });
    },
  }],
});
