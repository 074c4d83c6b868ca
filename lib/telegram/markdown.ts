/**
 * GitHub-style Markdown, as handlers write it, in the two forms that every
 * Telegram server takes: its small HTML, and plain text. What Telegram's HTML
 * has no tag for becomes the nearest that it has.
 */
import { marked, type MarkedToken, type Token, type Tokens } from "marked";
import type { TextArguments } from "../texts/texts.ts";

/** How a renderer writes what it meets. */
interface Style {
  text(text: string): string;
  wrap(tag: "b" | "i" | "s" | "code" | "pre" | "blockquote", inner: string): string;
  link(inner: string, href: string): string;
}

const HTML: Style = {
  text: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  wrap: (tag, inner) => `<${tag}>${inner}</${tag}>`,
  link: (inner, href) =>
    /^(https?|mailto|tg):/i.test(href)
      ? `<a href="${HTML.text(href).replaceAll('"', "&quot;")}">${inner}</a>`
      : inner,
};

const PLAIN: Style = {
  text: (text) => text,
  wrap: (_tag, inner) => inner,
  link: (inner, href) => inner === href ? inner : `${inner} (${href})`,
};

/** Telegram's HTML for `markdown`: only tags it knows, all of them closed. */
export function toTelegramHtml(markdown: string): string {
  return blocks(parsed(markdown), HTML);
}

/** `markdown` as one would read it aloud: no marks, links with their address. */
export function toPlainText(markdown: string): string {
  return blocks(parsed(markdown), PLAIN);
}

let latest: { markdown: string; tokens: readonly Token[] } | undefined;

/** The tokens of a text; kept until the next one, as sending asks for several forms of it. */
function parsed(markdown: string): readonly Token[] {
  if (latest?.markdown !== markdown) latest = { markdown, tokens: marked.lexer(markdown) };
  return latest.tokens;
}

/** Makes any text mean itself within Markdown; white space is folded into single blanks. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, " ").trim()
    .replace(/[\\`*_[\]<>&~|#@:!]/g, "\\$&")
    .replace(/^([-+=])/, "\\$1")
    .replace(/^(\d+)([.)])/, "$1\\$2")
    .replace(/\bwww\./gi, (match) => match.replace(".", "\\."));
}

/** A text's arguments, where they come from users, made to mean themselves within Markdown. */
export function escapeArguments(args: TextArguments): TextArguments {
  const escaped = Object.entries(args).map((
    [key, value],
  ) => [key, typeof value === "string" ? escapeMarkdown(value) : value]);
  return Object.fromEntries(escaped);
}

function blocks(tokens: readonly Token[], style: Style, gap = "\n\n"): string {
  return tokens.map((token) => block(token as MarkedToken, style)).filter(Boolean).join(gap);
}

function block(token: MarkedToken, style: Style): string {
  switch (token.type) {
    case "heading":
      return style.wrap("b", inlines(token.tokens, style));
    case "code":
      return style.wrap("pre", style.text(token.text));
    case "blockquote":
      // Telegram has no quote within a quote.
      return style.wrap("blockquote", blocks(token.tokens, unquoted(style)));
    case "list":
      return list(token, style);
    case "table":
      return style.wrap("pre", style.text(table(token)));
    case "hr":
      return "———";
    case "space":
    case "def":
      return "";
    case "paragraph":
      return inlines(token.tokens, style);
    case "text":
      return token.tokens === undefined ? style.text(token.text) : inlines(token.tokens, style);
    default:
      return style.text(token.raw.trimEnd());
  }
}

function list({ items, ordered, start }: Tokens.List, style: Style): string {
  return items.map((item, n) => {
    const mark = ordered ? `${Number(start || 1) + n}.` : "•";
    const inner = blocks(item.tokens, style, "\n");
    return `${mark} ${inner.replaceAll("\n", "\n   ")}`;
  }).join("\n");
}

/** Columns aligned by blanks, as in a typewriter's table. */
function table({ header, rows }: Tokens.Table): string {
  const cells = [header, ...rows].map((row) => row.map(({ tokens }) => inlines(tokens, PLAIN)));
  const widths = header.map((_, column) =>
    Math.max(...cells.map((row) => [...(row[column] ?? "")].length))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length))
      .join(" | ").trimEnd();
  const [first = [], ...rest] = cells;
  const rule = widths.map((width) => "-".repeat(width)).join("-+-");
  return [line(first), rule, ...rest.map(line)].join("\n");
}

function inlines(tokens: readonly Token[], style: Style): string {
  return tokens.map((token) => inline(token as MarkedToken, style)).join("");
}

function inline(token: MarkedToken, style: Style): string {
  switch (token.type) {
    case "strong":
      return style.wrap("b", inlines(token.tokens, style));
    case "em":
      return style.wrap("i", inlines(token.tokens, style));
    case "del":
      return style.wrap("s", inlines(token.tokens, style));
    case "codespan":
      return style.wrap("code", style.text(token.text));
    case "br":
      return "\n";
    case "link":
      return style.link(inlines(token.tokens, style), token.href);
    case "image":
      return style.link(style.text(token.text), token.href);
    case "text":
    case "escape":
      return style.text(token.text);
    default:
      return style.text(token.raw);
  }
}

function unquoted(style: Style): Style {
  return { ...style, wrap: (tag, inner) => tag === "blockquote" ? inner : style.wrap(tag, inner) };
}
