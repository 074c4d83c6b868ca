/**
 * RTF: its text, paragraph by paragraph. The format is words that begin with a
 * backslash, in groups; what is not known is skipped, as the format asks.
 */
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { definePlugin } from "../plugin.ts";

/** Groups that hold settings, pictures and notes of the program, not text. */
const UNSEEN = new Set(
  ("fonttbl colortbl stylesheet info pict object themedata colorschememapping latentstyles datastore " +
    "listtable listoverridetable rsidtbl generator xmlnstbl fldinst header headerl headerr headerf " +
    "footer footerl footerr footerf filetbl revtbl bkmkstart bkmkend nonshppict objdata").split(
      " ",
    ),
);
const SIGNS: Readonly<Record<string, string>> = {
  line: "\n",
  tab: " ",
  emdash: "—",
  endash: "–",
  bullet: "•",
  lquote: "‘",
  rquote: "’",
  ldblquote: "“",
  rdblquote: "”",
  "~": "\u00a0",
  _: "-",
};
/** Code pages by the character set that a font has; 0 and what is missing is Western. */
const CHARSETS: Readonly<Record<string, string>> = {
  161: "windows-1253",
  162: "windows-1254",
  177: "windows-1255",
  178: "windows-1256",
  186: "windows-1257",
  204: "windows-1251",
  238: "windows-1250",
};
const TOKEN = /\\'([0-9a-fA-F]{2})|\\([a-z]+)(-?\d+)? ?|\\([^a-z])|([{}])|([^\\{}]+)/g;
const MAX_OUTLINE = 6;

interface Group {
  isUnseen: boolean;
  /** Letters that follow a `\u` for readers that do not know it. */
  skip: number;
  codePage: string;
}

export default definePlugin({
  name: "rtf",
  formats: [{
    name: "rtf",
    extensions: ["rtf"],
    unit: "part",
    matches: (bytes) => new TextDecoder("latin1").decode(bytes.subarray(0, 6)) === "{\\rtf1",
    extract: (bytes) => Promise.resolve({ sections: partsOf(blocksOf(bytes)) }),
  }],
});

/** The text's paragraphs and table rows; a paragraph with an outline level is a heading. */
function* blocksOf(bytes: Uint8Array): Generator<Block> {
  const source = new TextDecoder("latin1").decode(bytes);
  const fonts = fontsOf(source);
  let codePage = `windows-${/\\ansicpg(\d+)/.exec(source.slice(0, 500))?.[1] ?? "1252"}`;
  if (!isKnown(codePage)) codePage = "windows-1252";
  const groups: Group[] = [];
  let group: Group = { isUnseen: false, skip: 1, codePage };
  let pending: number[] = [];
  let skipped = 0;
  let text = "";
  let row: string[] = [];
  let outline: number | undefined;

  const flush = () => {
    if (pending.length === 0) return;
    text += new TextDecoder(group.codePage).decode(Uint8Array.from(pending));
    pending = [];
  };
  const block = (): Block => {
    const level = outline;
    const line = text.replace(/[ \t]+/g, " ").trim();
    text = "";
    return level === undefined ? { text: line } : { text: line, level };
  };

  for (const [, hex, word, argument, sign, brace, plain] of source.matchAll(TOKEN)) {
    if (hex === undefined) flush();
    if (brace === "{") {
      groups.push(group);
      group = { ...group };
    } else if (brace === "}") group = groups.pop() ?? group;
    else if (word !== undefined && UNSEEN.has(word) || sign === "*") group.isUnseen = true;
    else if (word === "f") group.codePage = fonts.get(argument ?? "") ?? codePage;
    else if (word === "uc") group.skip = Number(argument);
    else if (group.isUnseen) continue;
    else if (hex !== undefined) {
      if (skipped > 0) skipped--;
      else pending.push(parseInt(hex, 16));
    } else if (word === "u") {
      text += String.fromCharCode(Number(argument) & 0xffff);
      skipped = group.skip;
    } else if (plain !== undefined) {
      // Line ends in the source mean nothing.
      const letters = plain.replace(/[\r\n]/g, "");
      text += letters.slice(skipped);
      skipped = Math.max(0, skipped - letters.length);
    } else if (word === "pard") outline = undefined;
    else if (word === "outlinelevel") {
      const level = Number(argument) + 1;
      outline = level <= MAX_OUTLINE ? level : undefined;
    } else if (word === "cell") row.push(block().text);
    else if (word === "row") {
      yield { text: row.join(" | "), row: true };
      row = [];
    } else if (word === "par" || word === "sect" || word === "page") {
      if (row.length > 0) text += " ";
      else yield block();
    } else if (word !== undefined || sign !== undefined) {
      text += SIGNS[word ?? sign ?? ""] ?? (sign !== undefined && /[\\{}]/.test(sign) ? sign : "");
    }
  }
  flush();
  yield block();
}

/** The code page of each font, from the table at the beginning. */
function fontsOf(source: string): Map<string, string> {
  const fonts = new Map<string, string>();
  const table = source.slice(0, 200_000);
  for (const [, font = "", charset = ""] of table.matchAll(/\\f(\d+)[^;}]*?\\fcharset(\d+)/g)) {
    const codePage = CHARSETS[charset];
    if (codePage !== undefined) fonts.set(font, codePage);
  }
  return fonts;
}

function isKnown(encoding: string): boolean {
  try {
    new TextDecoder(encoding);
    return true;
  } catch {
    return false;
  }
}
