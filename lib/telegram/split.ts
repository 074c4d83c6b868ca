/** Cuts Markdown into pieces that each fit into one message, at natural places. */
import { marked, type Tokens } from "marked";
import { toPlainText } from "./markdown.ts";

/** What Telegram takes in one message, in UTF-16 units after entities. */
export const MESSAGE_LIMIT = 4_096;

/**
 * Pieces of `markdown` in order, each at most `limit` UTF-16 units long once it
 * is rendered: cut between blocks, then lines, sentences and words, and within
 * a word only if it is longer than a message. Code keeps its fence and a table
 * its header in every piece.
 */
export function splitMarkdown(markdown: string, limit = MESSAGE_LIMIT): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const { raw } of marked.lexer(markdown)) {
    for (const part of fits(raw, limit) ? [raw] : splitBlock(raw, limit)) {
      if (piece !== "" && !fits(piece + part, limit)) {
        pieces.push(piece);
        piece = "";
      }
      piece += part;
    }
  }
  return [...pieces, piece].map((text) => text.replace(/^\n+|\s+$/g, "")).filter(Boolean);
}

function fits(markdown: string, limit: number): boolean {
  return toPlainText(markdown).length <= limit;
}

function splitBlock(raw: string, limit: number): string[] {
  const [token] = marked.lexer(raw);
  // Marks around a part are a few characters; a part that a mark makes longer still fits.
  const room = Math.floor(limit * 0.9);
  if (token?.type === "code") {
    return linesWithin(token.text, room).map((part) => `\n\`\`\`\n${part}\n\`\`\`\n`);
  }
  if (token?.type === "table") return splitTable(token as Tokens.Table, limit);
  if (token?.type === "blockquote") {
    const inner = raw.split("\n").map((line) => line.replace(/^> ?/, "")).join("\n");
    return linesWithin(inner, room).map((part) => `\n${part.replace(/^/gm, "> ")}\n\n`);
  }
  return linesWithin(raw, room).map((part) => `${part}\n`);
}

function splitTable({ raw }: Tokens.Table, limit: number): string[] {
  const [header = "", rule = "", ...rows] = raw.trim().split("\n");
  const parts: string[] = [];
  let part: string[] = [];
  for (const row of rows) {
    if (part.length > 0 && !fits([header, rule, ...part, row].join("\n"), limit)) {
      parts.push([header, rule, ...part].join("\n"));
      part = [];
    }
    part.push(row);
  }
  const tables = [...parts, [header, rule, ...part].join("\n")].map((text) => `\n${text}\n\n`);
  // Rows too wide to be a table in any message are read as lines.
  return tables.flatMap((text) => fits(text, limit) ? [text] : linesWithin(text, limit / 2));
}

function linesWithin(text: string, room: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const at = cutBefore(rest, Math.floor(room));
    parts.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).replace(/^[ \n]+/, "");
  }
  return [...parts, rest];
}

/** The best place to cut at or before `room`: a line, a sentence, a word, or any character. */
function cutBefore(text: string, room: number): number {
  const head = text.slice(0, room);
  for (const boundary of [/\n/g, /[.!?…]\s/g, /\s/g]) {
    const last = [...head.matchAll(boundary)].at(-1);
    if (last !== undefined && last.index > room / 3) return last.index + last[0].length;
  }
  const code = head.charCodeAt(room - 1);
  const splitsPair = code >= 0xd800 && code <= 0xdbff;
  return splitsPair ? room - 1 : room;
}
