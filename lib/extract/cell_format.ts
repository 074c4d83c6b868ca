/**
 * Numbers of a workbook as its program shows them: dates, percents, thousands,
 * currencies. A format is read once for all its cells, since there are millions.
 */

/** Formats that every workbook has without naming them. */
const BUILT_IN: Readonly<Record<number, string>> = {
  1: "0",
  2: "0.00",
  3: "#,##0",
  4: "#,##0.00",
  5: "#,##0",
  6: "#,##0",
  7: "#,##0.00",
  8: "#,##0.00",
  9: "0%",
  10: "0.00%",
  14: "yyyy-mm-dd",
  15: "d-mmm-yy",
  16: "d-mmm",
  17: "mmm-yy",
  18: "h:mm",
  19: "h:mm:ss",
  20: "h:mm",
  21: "h:mm:ss",
  22: "yyyy-mm-dd h:mm",
  37: "#,##0",
  38: "#,##0",
  39: "#,##0.00",
  40: "#,##0.00",
  41: "#,##0",
  42: "#,##0",
  43: "#,##0.00",
  44: "#,##0.00",
  45: "mm:ss",
  46: "[h]:mm:ss",
  47: "mm:ss",
};
const MAX_REMEMBERED = 4_096;
/** No program writes a longer one. */
const MAX_CODE = 255;
const DAY_SECONDS = 86_400;
/** Day 0 of the two calendars; the first one counts a 29 February 1900 that never was. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
const LEAP_DAY = 60;
/** Beyond it no workbook names a day. */
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59);
/** As many digits as a workbook's program shows of a number without a format. */
const GENERAL_DIGITS = 15;
const MAX_DECIMALS = 20;
const SECONDS = { h: 3_600, m: 60, s: 1 } as const;

/** A number's format, read once for all its cells. */
export interface CellFormat {
  isDate: boolean;
  /** The number as shown. */
  show(value: number): string;
  /** The number as it is queried: ISO text for a date. */
  read(value: number): number | string;
}

/** The format that stands behind an id, or behind its own code; never throws. */
export function cellFormat(id: number, code: string | undefined, is1904: boolean): CellFormat {
  const written = code || (BUILT_IN[id] ?? "General");
  const parts = written.length > MAX_CODE ? [] : partsOf(written);
  const isNumber = parts.some(({ kind }) => kind === "number");
  // Programs write no digits into dates, but some write units into numbers without quotes.
  if (!isNumber && parts.some(({ kind }) => kind.length === 1)) return dateFormat(parts, is1904);
  return { isDate: false, show: numberPrinter(parts), read: (value) => value };
}

interface Part {
  /** A letter for parts of a date: `n` is minutes, `H`, `N` and `S` count on past their end. */
  kind: "text" | "number" | "other" | "locale" | "a" | "y" | "m" | "d" | "h" | "n" | "s" | Elapsed;
  text: string;
}
type Elapsed = "H" | "N" | "S";

const TOKEN =
  /"([^"]*)"?|\\(.)|_.|\*.|\[([^\]]*)\]|(;)|(general|@|e[+-])|(am\/pm|a\/p|y+|m+|d+|h+|s+)(?:\.0+)?|([0#?][0#?.,]*|\.[0#?]+)|./giu;

/** What the code for positive numbers is made of. */
function partsOf(code: string): Part[] {
  const parts: Part[] = [];
  for (const [token, quoted, escaped, bracket, end, other, date, number] of code.matchAll(TOKEN)) {
    if (end !== undefined) break;
    if (quoted !== undefined) parts.push({ kind: "text", text: quoted });
    else if (escaped !== undefined) parts.push({ kind: "text", text: escaped });
    else if (bracket !== undefined) parts.push(...bracketParts(bracket));
    else if (other !== undefined) parts.push({ kind: "other", text: other });
    else if (date !== undefined) {
      parts.push({ kind: date.charAt(0).toLowerCase() as Part["kind"], text: date });
    } else if (number !== undefined) parts.push({ kind: "number", text: number });
    else if (!/^[_*]./u.test(token)) parts.push({ kind: "text", text: token });
  }
  return parts;
}

/** `[$₽-419]` is a sign and a language, `[h]` a count of hours; a colour says nothing. */
function bracketParts(bracket: string): Part[] {
  if (/^(h+|m+|s+)$/i.test(bracket)) {
    const kind = ({ h: "H", m: "N", s: "S" } as const)[bracket.charAt(0).toLowerCase() as "h"];
    return [{ kind, text: bracket }];
  }
  const [, sign = "", locale = ""] = /^\$([^-]*)-?(.*)$/.exec(bracket) ?? [];
  return [{ kind: "text", text: sign }, { kind: "locale", text: locale }];
}

function general(value: number): string {
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** GENERAL_DIGITS) return String(value);
  return String(Number(value.toPrecision(GENERAL_DIGITS)));
}

function numberPrinter(parts: readonly Part[]): (value: number) => string {
  const first = parts.findIndex(({ kind }) => kind === "number");
  const last = parts.findLastIndex(({ kind }) => kind === "number");
  const pattern = textOf(parts.slice(first, last + 1));
  // Fractions, powers, phone numbers and scales are shown as plain numbers: they stay true.
  if (first < 0 || !/^[0#?, ]*(\.[0#?]*)?$/.test(pattern) || /,(\.|$)/.test(pattern)) {
    return general;
  }
  if (parts.some(({ kind }) => kind === "other")) return general;
  const [whole = "", decimals = ""] = pattern.split(".");
  const print = lazy(() =>
    new Intl.NumberFormat("en", {
      useGrouping: /[, ]/.test(whole),
      minimumIntegerDigits: Math.min(MAX_DECIMALS, Math.max(1, whole.replace(/[^0]/g, "").length)),
      minimumFractionDigits: Math.min(MAX_DECIMALS, decimals.replace(/[^0]/g, "").length),
      maximumFractionDigits: Math.min(MAX_DECIMALS, decimals.length),
      signDisplay: "never",
    })
  );
  const [before, after] = [textOf(parts.slice(0, first)), textOf(parts.slice(last + 1))];
  const scale = `${before}${after}`.includes("%") ? 100 : 1;
  return (value) => {
    const digits = print().format(Number((value * scale).toPrecision(GENERAL_DIGITS)));
    const sign = value < 0 && /[1-9]/.test(digits) ? "-" : "";
    return `${sign}${before.trimStart()}${digits}${after.trimEnd()}`;
  };
}

function textOf(parts: readonly Part[]): string {
  return parts.map(({ kind, text }) => kind === "locale" ? "" : text).join("");
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

function dateFormat(written: readonly Part[], is1904: boolean): CellFormat {
  const parts = withMinutes(written);
  const has = (kinds: string) => parts.some(({ kind }) => kinds.includes(kind));
  const names = namesOf(parts.some(({ kind, text }) => kind === "locale" && /19$/.test(text)));
  const has12Hours = has("a");
  return {
    isDate: true,
    show: remembered((value) => {
      const date = dateOf(value, is1904);
      if (date === undefined) return general(value);
      const seconds = Math.round(value * DAY_SECONDS);
      return parts.map((part) => shownPart(part, date, seconds, has12Hours, names)).join("").trim();
    }),
    read: remembered((value) => {
      const date = dateOf(value, is1904);
      if (date === undefined) return value;
      const [day = "", time = ""] = date.toISOString().slice(0, 19).split("T");
      if (has("HNS")) {
        const hours = Math.floor(Math.round(value * DAY_SECONDS) / SECONDS.h);
        return `${String(hours).padStart(2, "0")}${time.slice(2)}`;
      }
      if (!has("ymd")) return time;
      return time === "00:00:00" ? day : `${day} ${time}`;
    }),
  };
}

/** The days of a column come again and again. */
function remembered<T>(make: (value: number) => T): (value: number) => T {
  const known = new Map<number, T>();
  return (value) => {
    let made = known.get(value);
    if (made !== undefined) return made;
    made = make(value);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(value, made);
    return made;
  };
}

/** An `m` after hours or before seconds is minutes. */
function withMinutes(parts: readonly Part[]): Part[] {
  const dates = parts.filter(({ kind }) => kind.length === 1);
  return parts.map((part) => {
    const at = dates.indexOf(part);
    const isMinute = /^h$/i.test(dates[at - 1]?.kind ?? "") ||
      /^s$/i.test(dates[at + 1]?.kind ?? "");
    return part.kind === "m" && isMinute ? { ...part, kind: "n" } : part;
  });
}

/** The instant that a number of days names, to the second; nothing outside of the calendar. */
function dateOf(value: number, is1904: boolean): Date | undefined {
  if (!(value >= 0)) return undefined;
  const seconds = Math.round(value * DAY_SECONDS);
  const days = seconds / DAY_SECONDS;
  const missed = !is1904 && days >= 1 && days < LEAP_DAY ? DAY_SECONDS : 0;
  const instant = (is1904 ? EPOCH_1904 : EPOCH_1900) + (seconds + missed) * 1_000;
  return instant > LAST_INSTANT ? undefined : new Date(instant);
}

function shownPart(
  { kind, text }: Part,
  date: Date,
  seconds: number,
  has12Hours: boolean,
  names: Names,
): string {
  const { length } = text;
  const two = (number: number) => String(number).padStart(Math.min(2, length), "0");
  const hours = date.getUTCHours();
  if (kind === "text") return text;
  if (kind === "a") return hours < 12 ? "AM" : "PM";
  if (kind === "y") return String(date.getUTCFullYear()).slice(length > 2 ? 0 : -2);
  if (kind === "m") return length > 2 ? names("month", date, length) : two(date.getUTCMonth() + 1);
  if (kind === "d") return length > 2 ? names("weekday", date, length) : two(date.getUTCDate());
  if (kind === "h") return two(has12Hours ? hours % 12 || 12 : hours);
  if (kind === "n") return two(date.getUTCMinutes());
  if (kind === "s") return two(date.getUTCSeconds());
  if (kind === "H") return two(Math.floor(seconds / SECONDS.h));
  if (kind === "N") return two(Math.floor(seconds / SECONDS.m));
  return kind === "S" ? two(seconds) : "";
}

type Names = (part: "month" | "weekday", date: Date, length: number) => string;

/** Names of months and weekdays; a Russian month stands as it does beside its day. */
function namesOf(isRussian: boolean): Names {
  const known = new Map<string, string>();
  return (part, date, length) => {
    const number = part === "month" ? date.getUTCMonth() : date.getUTCDay();
    const key = `${part} ${number} ${length}`;
    const name = known.get(key) ?? nameOf(isRussian ? "ru" : "en", part, date, length);
    known.set(key, name);
    return name;
  };
}

function nameOf(locale: string, part: "month" | "weekday", date: Date, length: number): string {
  const style = length === 3 ? "short" : "long";
  const options = { day: "numeric", [part]: style, timeZone: "UTC" } as const;
  const named = new Intl.DateTimeFormat(locale, options).formatToParts(date);
  const name = named.find(({ type }) => type === part)?.value ?? "";
  return length === 5 ? name.slice(0, 1) : name.replace(/\.$/, "");
}
