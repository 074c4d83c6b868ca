/**
 * Links of an answer, shown only if the document or the question has them: a
 * model that obeys a hostile document could otherwise send a reader anywhere,
 * with what it has read in the address. Works on Markdown, HTML and bare text
 * alike, so that it holds whoever reads the answer as what. Pure.
 */
import type { Language } from "../texts/texts.ts";
import { addressesIn, comparable, replaceAddresses } from "./addresses.ts";

const REMOVED: Record<Language, string> = {
  en: "(link removed)",
  ru: "(ссылка убрана)",
};

const TEXT = String.raw`((?:[^\[\]\\]|\\.|\[(?:[^\[\]\\]|\\.)*\])*)`;
const TITLE = String.raw`(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?`;
const TARGET = String.raw`(<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)`;
const INLINE = new RegExp(String.raw`!?\[${TEXT}\]\(\s*${TARGET}${TITLE}\s*\)`, "gs");
const REFERENCE = new RegExp(String.raw`!?\[${TEXT}\]\[([^\[\]]*)\]`, "gs");
const DEFINITION = new RegExp(
  String.raw`^[ \t>]*\[(?!\^)([^\[\]\n]+)\]:[ \t]*\n?[ \t]*(<[^<>\n]*>|\S+)${TITLE}[ \t]*$\n?`,
  "gm",
);
/** What is left of the beginning of a link, whatever stands around it. */
const OPENED = /\]\((?=\s*<?([^\s<>)]*))/g;
const ANCHOR = /<a\b[^<>]*?\bhref\s*=\s*["']?([^"'\s<>]*)[^<>]*>(.*?)<\/a\s*>/gis;
const AUTOLINK = /<([a-z][a-z0-9+.-]*:[^\s<>]*|[^\s<>@]+@[^\s<>]+)>/gi;
/** A tag that has attributes, or an anchor's. */
const TAG = /<(?:[a-z][\w-]*[\s/][^<>]*=[^<>]*|\/?a\s*)>/gi;
/** Marks within a word, which are gone when it is shown: those of emphasis, and all of them. */
const MARKS = [/[*_~]|<\/?[a-z][\w-]*>|<!--.*?-->/gis, /[*_~`\\]|<\/?[a-z][\w-]*>|<!--.*?-->/gis];

/** Characters that are not seen, except those that join and colour emoji. */
const UNSEEN =
  /[\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d/gu;
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(colon|period|sol|commat));/gi;
const NAMED: Readonly<Record<string, string>> = { colon: ":", period: ".", sol: "/", commat: "@" };

/**
 * Takes every link out of `answer` whose address is not among `known`; its text
 * stays, with a mark. An image becomes a link, so that nobody fetches it unasked.
 *
 * @param known addresses in their comparable form, see `addressSet`
 */
export function keepKnownLinks(
  answer: string,
  known: ReadonlySet<string>,
  language: Language,
): string {
  const removed = REMOVED[language];
  const isKnown = (address: string) => known.has(comparable(address) ?? "");
  const link = (label: string, target: string): string => {
    const address = target.replace(/^<|>$/g, "").replace(/\\(?=[^\p{L}\p{N}])/gu, "");
    const shown = linksIn(label).trim();
    // A place within the page: models write citations so.
    if (address === "" || address.startsWith("#")) return `[${shown}]`;
    if (!isKnown(address)) {
      return shown === "" || shown.endsWith(removed) ? removed : `${shown} ${removed}`;
    }
    // A text that is another address than its target is a disguise.
    const others = addressesIn(shown).filter((each) => comparable(each) !== comparable(address));
    return shown === "" || others.length > 0 ? address : `[${shown}](${address})`;
  };
  const linksIn = (text: string): string =>
    text
      .replace(ANCHOR, (_, target, label) => link(label, target))
      .replace(INLINE, (_, label, target) => link(label, target));

  let text = undisguised(answer);
  const targets = new Map<string, string>();
  text = text.replace(DEFINITION, (whole, label: string, target: string) => {
    // "[p. 4]: 900" is a sentence to its reader, and would vanish as a definition.
    if (comparable(target.replace(/^<|>$/g, "")) === undefined) return whole.replace("]:", "]\\:");
    targets.set(label.toLowerCase(), target);
    return "";
  });
  text = text.replace(REFERENCE, (whole, label: string, name: string) => {
    const target = targets.get((name || label).toLowerCase());
    return target === undefined ? whole : link(label, target);
  });
  text = linksIn(text)
    .replace(OPENED, (opening, target) => isKnown(target) ? opening : "] (")
    .replace(AUTOLINK, (whole, address) => isKnown(address) ? whole : removed);
  // A tag within a tag: without the inner one the outer one is whole.
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(TAG, (tag) => addressesIn(tag).every(isKnown) ? "" : removed);
  }
  text = replaceAddresses(text, (address) => isKnown(address) ? address : removed);

  // An address whose parts are set apart by marks shows only once they are gone.
  for (const marks of MARKS) {
    const flat = text.replace(marks, "");
    const flatKnown = new Map(
      [...known].map((form) => [form.replace(marks, ""), form.replace(/^mailto:/, "")]),
    );
    const meant = (address: string) => flatKnown.get(comparable(address) ?? "");
    if (addressesIn(flat).every(meant)) continue;
    text = replaceAddresses(flat, (address) => meant(address) ?? removed);
  }
  // Right after a bracket the mark itself would be read as a target.
  return text.replaceAll(`]${removed}`, `] ${removed}`);
}

/** The text as its reader sees its letters: without what is unseen, escaped or encoded. */
function undisguised(text: string): string {
  return text
    .replace(UNSEEN, "")
    .replace(ENTITY, (whole, decimal, hex, name) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
      const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
      // These would become signs of a tag.
      return code > 0x10ffff || code < 0x20 || /[<>&]/.test(String.fromCodePoint(code))
        ? whole
        : String.fromCodePoint(code);
    })
    .replace(UNSEEN, "")
    .replace(/(?<=[\p{L}\p{N}/:])\\(?=[.:/@-][\p{L}\p{N}/\\])/gu, "");
}

/** What may still become a link when more of it is written. */
const UNSETTLED =
  /(?:!?\[[^\[\]\n]*(?:\](?:[(\[][^)\]\n]*)?)?|<[^<>\n]*|&[#\w]*|(?<!\S)(?=\S*[.:/@\\])\S+|https?|www)$/iu;

/** The text without a link that is still being written at its end. */
export function settledPart(text: string): string {
  const settled = text.replace(UNSETTLED, "");
  return settled.replace(/!?\[[^\[\]\n]*$/, "");
}
