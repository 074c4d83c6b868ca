/**
 * What a cell's text means as a number or a date, in the ways that people of
 * Russian and English write them. A column is read as a whole, since "1,234"
 * alone does not say whether its comma parts thousands or a fraction.
 */
import type { Cell, ColumnType } from "../tables.ts";

/** Blanks that part thousands, and what may stand around an amount. */
const AROUND = /[\s\u00a0\u202f']|^[$€£₽]|[$€£₽]$|(?:руб\.?|р\.|USD|EUR|RUB)$/gi;
const NUMBER = /^[-+−(]?(?:\d{1,3}(?:([.,])\d{3})+|\d+)?(?:[.,]\d+)?\)?$/;
const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?).*)?$/;
const DOTTED_DATE = /^(\d{1,2})[./](\d{1,2})[./](\d{4})(?: +(\d{1,2}:\d{2}(?::\d{2})?))?$/;
/** As many cells of a column decide what it holds. */
const ENOUGH = 0.95;

/** How the texts of one column are read. */
export interface ColumnReader {
  type: ColumnType;
  read(cell: string): Cell;
}

/** Decides from sample cells what a column holds; empty ones do not count. */
export function columnReader(cells: readonly string[]): ColumnReader {
  const filled = cells.map((cell) => cell.trim()).filter((cell) => cell !== "");
  const most = (isSo: (cell: string) => boolean) =>
    filled.length > 0 && filled.filter(isSo).length >= filled.length * ENOUGH;
  // Codes, not amounts: a leading zero would be lost, and nobody adds up phone numbers.
  const areCodes = filled.some((cell) => /^0\d/.test(cell));
  if (!areCodes && most(looksLikeNumber)) {
    const isCommaDecimal = hasDecimalComma(filled);
    return { type: "number", read: (cell) => toNumber(cell, isCommaDecimal) ?? textOf(cell) };
  }
  if (most((cell) => ISO_DATE.test(cell))) {
    return {
      type: "date",
      read: (cell) => toIso(cell, false),
    };
  }
  if (most((cell) => DOTTED_DATE.test(cell))) {
    // 03/31/2024 can only be American; 03/04/2024 is then read alike.
    const monthFirst = filled.some((cell) => Number(DOTTED_DATE.exec(cell)?.[2]) > 12);
    return { type: "date", read: (cell) => toIso(cell, monthFirst) };
  }
  return { type: "text", read: textOf };
}

function textOf(cell: string): string | null {
  const trimmed = cell.trim();
  return trimmed === "" ? null : trimmed;
}

function looksLikeNumber(cell: string): boolean {
  const bare = cell.replace(AROUND, "").replace(/%$/, "");
  return /\d/.test(bare) && NUMBER.test(bare);
}

/** A comma is the fraction's mark unless it is followed by groups of three alone. */
function hasDecimalComma(cells: readonly string[]): boolean {
  let groups = false;
  for (const cell of cells) {
    const bare = cell.replace(AROUND, "");
    if (/\.\d+$/.test(bare) && /,\d{3}/.test(bare)) return false;
    if (/,\d{1,2}\D*$|,\d{4,}\D*$/.test(bare) || /^[-+−(]?0,\d/.test(bare)) return true;
    if (/\.\d{1,2}$|\.\d{4,}$/.test(bare)) return false;
    if (/,\d{3}/.test(bare)) groups = true;
  }
  return !groups;
}

function toNumber(cell: string, isCommaDecimal: boolean): number | undefined {
  if (!looksLikeNumber(cell)) return undefined;
  const bare = cell.replace(AROUND, "").replace(/−/g, "-");
  const isNegative = /^\(.*\)$/.test(bare);
  const isPercent = bare.endsWith("%");
  const digits = bare.replace(/[()%+]/g, "");
  const number = Number(
    isCommaDecimal
      ? digits.replace(/\.(?=\d{3}(?:\D|$))(?=.*,)/g, "").replace(",", ".")
      : digits.replaceAll(",", ""),
  );
  if (!Number.isFinite(number)) return undefined;
  const signed = isNegative ? -number : number;
  return isPercent ? signed / 100 : signed;
}

/** Days before months, as in `31.03.2024`, unless the column says otherwise. */
function toIso(cell: string, monthFirst: boolean): Cell {
  const trimmed = cell.trim();
  const iso = ISO_DATE.exec(trimmed);
  if (iso !== null) {
    const [, year, month, day, time] = iso;
    return `${year}-${month}-${day}${time === undefined ? "" : ` ${time}`}`;
  }
  const [, first, second, year, time] = DOTTED_DATE.exec(trimmed) ?? [];
  if (first === undefined || second === undefined) return textOf(cell);
  const [day, month] = monthFirst ? [second, first] : [first, second];
  const date = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  return time === undefined ? date : `${date} ${time.padStart(5, "0")}`;
}
