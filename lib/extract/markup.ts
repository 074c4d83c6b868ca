/**
 * HTML to blocks: headings, paragraphs, list items and table rows, in the order
 * in which a person reads them. Events, not a tree, so depth costs nothing.
 */
import { Parser } from "htmlparser2";
import type { Block } from "./parts.ts";

/**
 * Elements whose text nobody sees on the page. The head is not among them, as
 * its end may be left out; all that it holds of text is.
 */
const UNSEEN = new Set(["title", "script", "style", "template", "noscript", "svg", "math"]);
/** Elements that end the line before them and after them. */
const BREAKING = new Set(
  ("address article aside blockquote body br caption dd details div dl dt figcaption figure footer " +
    "form h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody " +
    "tfoot thead title tr ul").split(" "),
);

/** What a page says: its title, and its text in blocks. */
export interface Page {
  /** Empty where it has none. */
  title: string;
  blocks: Block[];
}

/** Reads HTML or XHTML, however broken. */
export function readHtml(html: string): Page {
  const blocks: Block[] = [];
  let title = "";
  let text = "";
  let unseen = 0;
  let inTitle = false;
  let level: number | undefined;
  let depth = 0;
  let row: string[] | undefined;

  const flush = () => {
    const shown = text.replace(/[\s\u00a0]+/g, " ").trim();
    text = "";
    if (shown === "") return;
    if (depth > 0 && row !== undefined) row.push(shown);
    else blocks.push(level === undefined ? { text: shown } : { text: shown, level });
  };
  const endRow = () => {
    if (row !== undefined && row.some((cell) => cell !== "")) {
      blocks.push({ text: row.join(" | "), row: true });
    }
    row = undefined;
  };

  const parser = new Parser({
    onopentag(name) {
      if (name === "title" && title === "") inTitle = true;
      if (UNSEEN.has(name)) unseen++;
      if (unseen > 0) return;
      if (name === "br" && row !== undefined) text += " ";
      else if (BREAKING.has(name) && row === undefined) flush();
      if (/^h[1-6]$/.test(name)) level = Number(name[1]);
      if (name === "table") depth++;
      if (name === "tr" && depth === 1) {
        endRow();
        row = [];
      }
      if ((name === "td" || name === "th") && row !== undefined) text = "";
    },
    ontext(data) {
      if (inTitle) title += data;
      if (unseen === 0) text += data;
    },
    onclosetag(name) {
      if (name === "title") inTitle = false;
      if (UNSEEN.has(name)) unseen = Math.max(0, unseen - 1);
      if (unseen > 0) return;
      if ((name === "td" || name === "th") && row !== undefined && depth === 1) {
        row.push(text.replace(/[\s\u00a0]+/g, " ").trim());
        text = "";
      } else if (BREAKING.has(name)) {
        if (row === undefined) flush();
        else text += " ";
      }
      if (/^h[1-6]$/.test(name)) level = undefined;
      if (name === "tr" && depth === 1) endRow();
      if (name === "table") depth = Math.max(0, depth - 1);
    },
  }, { decodeEntities: true, lowerCaseTags: true });
  parser.write(html);
  parser.end();
  flush();
  endRow();
  return { title: title.replace(/\s+/g, " ").trim(), blocks };
}
