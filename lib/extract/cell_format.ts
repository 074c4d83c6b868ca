/** Numbers of a workbook as its program shows them: dates, percents, fractions, thousands. */

/** Formats that every workbook has without naming them. */
const BUILT_IN: Readonly<Record<number, string>> = {
  1: "0",
  2: "0.00",
  3: "#,##0",
  4: "#,##0.00",
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
  45: "mm:ss",
  46: "h:mm:ss",
  47: "mm:ss",
};
const DAY_MS = 86_400_000;
/** Day 0 of the two calendars; the first one counts a 29 February 1900 that never was. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** The last day that a workbook can name: 31 December 9999. */
const LAST_DAY = 2_958_465;
/** As many digits as a workbook's program shows of a number without a format. */
const GENERAL_DIGITS = 15;

/** A number's format, read once for all its cells. */
export interface CellFormat {
  isDate: boolean;
  /** The number as shown. */
  show(value: number): string;
  /** The number as it is queried: ISO text for a date. */
  read(value: number): number | string;
}

/** The format that stands behind an id, or behind its own code. */
export function cellFormat(id: number, code: string | undefined, is1904: boolean): CellFormat {
  const section = bare(code ?? BUILT_IN[id] ?? "General");
  const isDate = /[ymdhs]/i.test(section) && !/^general$/i.test(section);
  if (isDate) {
    const date = (value: number) => dateOf(value, is1904);
    return {
      isDate,
      show: (value) => {
        const shownDate = date(value);
        return shownDate === undefined ? general(value) : showDate(shownDate, value, section);
      },
      read: (value) => isoOf(date(value), section) ?? value,
    };
  }
  return {
    isDate,
    show: (value) => shown(value, section, code ?? ""),
    read: (value) => value,
  };
}

/** The code for positive numbers, without colours, literals and what only pads. */
function bare(code: string): string {
  return (code.split(";")[0] ?? "")
    .replace(/\[(?![hms]+\])[^\]]*\]/gi, "")
    // Blanks, dots and commas in a date are often written as literals.
    .replace(/\\([ .,/-])/g, "$1")
    .replace(/"[^"]*"|\\.|_.|\*./g, "");
}

/** The instant that a number of days names, to the second; nothing outside of the calendar. */
function dateOf(value: number, is1904: boolean): Date | undefined {
  if (!(value >= 0 && value <= LAST_DAY)) return undefined;
  const rounded = Math.round(value * DAY_MS / 1_000) * 1_000;
  return new Date((is1904 ? EPOCH_1904 : EPOCH_1900) + rounded);
}

function isoOf(date: Date | undefined, section: string): string | undefined {
  if (date === undefined) return undefined;
  const [day = "", time = ""] = date.toISOString().slice(0, 19).split("T");
  if (!/[yd]|mmm/i.test(section)) return time;
  return time === "00:00:00" ? day : `${day} ${time}`;
}

/** The parts of a date's code, such as `dd.mm.yyyy h:mm`; an `m` beside hours or seconds is minutes. */
function showDate(date: Date, value: number, section: string): string {
  const has12Hours = /am\/pm|a\/p/i.test(section);
  let last = "";
  return section.replace(
    /am\/pm|a\/p|\[h+\]|\[m+\]|\[s+\]|y+|m+|d+|h+|s+(?:\.0+)?/gi,
    (token, at: number) => {
      const kind = token.replace("[", "").charAt(0).toLowerCase();
      const isMinute = kind === "m" &&
        (last === "h" || /^[^ymdh]*s/i.test(section.slice(at + token.length)));
      last = kind;
      const two = (part: number) => String(part).padStart(Math.min(2, token.length), "0");
      if (kind === "a") return date.getUTCHours() < 12 ? "AM" : "PM";
      if (token.startsWith("[")) return String(Math.floor(value * UNITS_IN_DAY[kind as "h"]));
      if (kind === "y") return String(date.getUTCFullYear()).slice(token.length > 2 ? 0 : -2);
      if (kind === "d") return token.length > 2 ? weekday(date, token) : two(date.getUTCDate());
      if (kind === "h") return two(has12Hours ? date.getUTCHours() % 12 || 12 : date.getUTCHours());
      if (kind === "s") return two(date.getUTCSeconds());
      if (isMinute) return two(date.getUTCMinutes());
      return token.length > 2 ? month(date, token) : two(date.getUTCMonth() + 1);
    },
  );
}

const UNITS_IN_DAY = { h: 24, m: 1_440, s: 86_400 } as const;

function weekday(date: Date, token: string): string {
  const weekday = token.length > 3 ? "long" : "short";
  return new Intl.DateTimeFormat("en", { weekday, timeZone: "UTC" }).format(date);
}

function month(date: Date, token: string): string {
  const month = token.length > 3 ? "long" : "short";
  return new Intl.DateTimeFormat("en", { month, timeZone: "UTC" }).format(date);
}

function shown(value: number, section: string, code: string): string {
  if (/^general$/i.test(section) || !/[0#?]/.test(section) || /[eE][+-]/.test(section)) {
    return general(value);
  }
  const isPercent = section.includes("%");
  const decimals = /\.([0#?]+)/.exec(section)?.[1] ?? "";
  const digits = new Intl.NumberFormat("en", {
    useGrouping: /[0#?],[0#?]/.test(section),
    minimumFractionDigits: Math.min(20, decimals.replace(/[^0]/g, "").length),
    maximumFractionDigits: Math.min(20, decimals.length),
  }).format(isPercent ? value * 100 : value);
  const currency = /[$€£₽]/.exec(code)?.[0];
  const amount = currency === undefined
    ? digits
    : currency === "$"
    ? digits.replace(/^-?/, (sign) => `${sign}$`)
    : `${digits} ${currency}`;
  return isPercent ? `${amount}%` : amount;
}

function general(value: number): string {
  return String(Number(value.toPrecision(GENERAL_DIGITS)));
}
