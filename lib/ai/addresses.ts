/**
 * What is an address on the internet, in any text: with its scheme, without
 * one, or of a mailbox; and when two of them are the same. Telegram makes a
 * link of each, whether or not Markdown does. Pure.
 */

/** What may stand in an address after its host; brackets only in pairs. */
const REST = String.raw`(?:[^\s<>()\[\]{}"'|\u0060«»“”„]|\([^\s<>()]*\))`;
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?`;
const TLD = String.raw`(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59}|рф|рус|дети|москва|онлайн|сайт|орг)`;
const HOST = String.raw`(?:${LABEL}\.)+${TLD}(?![\p{L}\p{N}_-])`;

const ADDRESS = new RegExp(
  [
    String.raw`[a-z][a-z0-9+.-]{1,30}:\/\/${REST}*`,
    String.raw`(?:mailto|tel|tg|javascript|vbscript|data|file):${REST}+`,
    String.raw`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+`,
    String.raw`${HOST}(?::\d{1,5})?(?:[\/?#]${REST}*)?`,
  ].join("|"),
  "giu",
);

const HAS_SCHEME = /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:mailto|tel|tg|javascript|vbscript|data|file):)/i;
const BEGINS_WITH_HOST = new RegExp(`^${HOST}`, "iu");
const AFTER_ADDRESS = /[.,;:!?…*_~\\]+$/u;

/** Ends of hosts that are no words: one of them makes a link, however it is written. */
const ENDS = wordSet(
  "com net org biz ru su ua by kz uz ge de uk fr nl pl eu cn jp br ch ly gl gg cc tv io ai " +
    "dev xyz icu gov edu mil int mobi рф рус дети москва онлайн сайт орг",
);
/** Ends that are words as well: in capitals they begin a sentence. */
const WORD_ENDS = wordSet(
  "in it is no so me to at be my am us as do la id link co es se fi ws info app top site online " +
    "shop club store tech click live pro page cloud space website name travel agency",
);

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

/** Replaces each address; punctuation that follows it stays. */
export function replaceAddresses(
  text: string,
  replace: (address: string) => string,
): string {
  return text.replace(ADDRESS, (match) => {
    const address = match.replace(AFTER_ADDRESS, "");
    if (!isAddress(address)) return match;
    return replace(address) + match.slice(address.length);
  });
}

/** All addresses, as they are written. */
export function addressesIn(text: string): string[] {
  const found: string[] = [];
  replaceAddresses(text, (address) => {
    found.push(address);
    return address;
  });
  return found;
}

/** Tells `example.com` from `notice.It` and `report.pdf`; a path, a port or a scheme leaves no doubt. */
function isAddress(address: string): boolean {
  if (HAS_SCHEME.test(address) || /www\./i.test(address) || /[@/?#:]/.test(address)) return true;
  const labels = address.split(".");
  const end = labels.at(-1) ?? "";
  return ENDS.has(end.toLowerCase()) || WORD_ENDS.has(end) && (labels.at(-2) ?? "").length > 1;
}

/**
 * The form in which equal addresses are equal: without scheme, `www.` and a
 * slash at its end, the host in small letters. Nothing for what is no address
 * of a page, a file or a mailbox: such a link is never followed.
 */
export function comparable(address: string): string | undefined {
  const bare = address.normalize("NFKC").replaceAll("&amp;", "&").replace(AFTER_ADDRESS, "");
  const isMailbox = /^[^/@\s]+@[^/@\s]+$/.test(bare) && !HAS_SCHEME.test(bare);
  const whole = isMailbox ? `mailto:${bare}` : HAS_SCHEME.test(bare) ? bare : `https://${bare}`;
  // "3.5" would be a host by its numbers, and "terms" a path within a site that nobody knows.
  if (!HAS_SCHEME.test(bare) && !isMailbox && !BEGINS_WITH_HOST.test(bare)) return undefined;
  if (!URL.canParse(whole)) return undefined;
  const { protocol, username, password, host, pathname, search, hash } = new URL(whole);
  if (protocol === "mailto:" || protocol === "tel:") {
    return `${protocol}${pathname.toLowerCase()}${search}`;
  }
  if (!/^(?:https?|ftp):$/.test(protocol)) return undefined;
  const who = username + password === "" ? "" : `${username}:${password}@`;
  return who + host.replace(/^www\./, "") + pathname.replace(/\/+$/, "") + search + hash;
}

/**
 * The addresses of these texts in their comparable form. One that ends with its
 * line may go on in the next, as the width of a page breaks it.
 */
export function addressSet(texts: readonly string[]): ReadonlySet<string> {
  const known = new Set<string>();
  for (const text of texts) {
    const joined = text.replace(/(?<=\S)[ \t]*\n[ \t]*(?=\S)/g, "");
    for (const address of [...addressesIn(text), ...addressesIn(joined)]) {
      const form = comparable(address);
      if (form !== undefined) known.add(form);
    }
  }
  return known;
}
