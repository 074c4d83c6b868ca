/**
 * An answer as one would read it aloud: without marks, links and places, each
 * row of a table with its headers, and no longer than a voice can take. Pure.
 */
import { marked, type MarkedToken, type Token, type Tokens } from "marked";
import type { Language } from "../texts/texts.ts";
import { withoutCitations } from "./citations.ts";

/** Pictures and arrows have no sound. */
const UNSPOKEN = /[\p{Extended_Pictographic}\u{fe0f}\u{200d}☑⏹↻•]/gu;
/** A block that ends so is heard to end. */
const ENDED = /[.!?…:;,]$/;

/** GitHub-style Markdown as sentences, a line for each block; empty where nothing can be said. */
export function spokenText(markdown: string): string {
  const lines = blocks(marked.lexer(withoutCitations(markdown)));
  return lines
    .map((line) => line.replace(UNSPOKEN, "").replace(/\s+/g, " ").trim())
    .filter((line) => /[\p{L}\p{N}]/u.test(line))
    .map((line) => ENDED.test(line) ? line : `${line}.`)
    .join("\n");
}

/** The beginning of a text, up to the end of a sentence; of an endless one up to a word's. */
export function beginningOf(text: string, maxLetters: number, language: Language): string {
  if (text.length <= maxLetters) return text;
  let end = 0;
  const sentences = new Intl.Segmenter(language, { granularity: "sentence" }).segment(text);
  for (const { index, segment } of sentences) {
    if (index + segment.trimEnd().length > maxLetters) break;
    end = index + segment.length;
  }
  if (end === 0) end = text.lastIndexOf(" ", maxLetters);
  return text.slice(0, end > 0 ? end : maxLetters).trimEnd().toWellFormed();
}

function blocks(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token) => block(token as MarkedToken));
}

function block(token: MarkedToken): string[] {
  switch (token.type) {
    case "blockquote":
      return blocks(token.tokens);
    case "list":
      return token.items.flatMap((item, n) => {
        const [first = "", ...rest] = blocks(item.tokens);
        return [token.ordered ? `${Number(token.start || 1) + n}. ${first}` : first, ...rest];
      });
    case "table":
      return rows(token);
    case "heading":
    case "paragraph":
      return [inlines(token.tokens)];
    case "text":
      return [token.tokens === undefined ? token.text : inlines(token.tokens)];
    case "code":
      return token.text.split("\n");
    default:
      return [];
  }
}

function rows({ header, rows }: Tokens.Table): string[] {
  const names = header.map(({ tokens }) => inlines(tokens).trim());
  return rows.map((row) =>
    row.flatMap(({ tokens }, column) => {
      const value = inlines(tokens).trim();
      const name = names[column] ?? "";
      return value === "" ? [] : [name === "" ? value : `${name}: ${value}`];
    }).join("; ")
  );
}

function inlines(tokens: readonly Token[]): string {
  return tokens.map((token) => inline(token as MarkedToken)).join("");
}

function inline(token: MarkedToken): string {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
    case "link":
      return inlines(token.tokens);
    case "br":
      return " ";
    case "html":
      return "";
    case "text":
      return token.tokens === undefined ? token.text : inlines(token.tokens);
    case "codespan":
    case "escape":
    case "image":
      return token.text;
    default:
      return token.raw;
  }
}
