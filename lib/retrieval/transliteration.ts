/** Names in the letters of the other alphabet, in the spellings that are usual. */
import { termsOf } from "./terms.ts";

/** Practical romanisation; where it differs between systems, the usual one first. */
const LATIN: Readonly<Record<string, readonly string[]>> = {
  а: ["a"],
  б: ["b"],
  в: ["v", "w"],
  г: ["g", "h"],
  д: ["d"],
  е: ["e", "ye"],
  ж: ["zh"],
  з: ["z"],
  и: ["i"],
  й: ["y", "i"],
  к: ["k", "c"],
  л: ["l"],
  м: ["m"],
  н: ["n"],
  о: ["o"],
  п: ["p"],
  р: ["r"],
  с: ["s"],
  т: ["t"],
  у: ["u"],
  ф: ["f"],
  х: ["kh", "h"],
  ц: ["ts", "c"],
  ч: ["ch"],
  ш: ["sh"],
  щ: ["shch"],
  ъ: [""],
  ы: ["y"],
  ь: [""],
  э: ["e"],
  ю: ["yu"],
  я: ["ya", "ia"],
};

/** Groups of letters first. */
const CYRILLIC: readonly (readonly [latin: string, cyrillic: string])[] = [
  ["shch", "щ"],
  ["sch", "ш"],
  ["zh", "ж"],
  ["kh", "х"],
  ["ts", "ц"],
  ["ch", "ч"],
  ["sh", "ш"],
  ["ph", "ф"],
  ["th", "т"],
  ["ck", "к"],
  ["yu", "ю"],
  ["ya", "я"],
  ["yo", "е"],
  ["ee", "и"],
  ["oo", "у"],
  ["qu", "кв"],
  ["x", "кс"],
  ["a", "а"],
  ["b", "б"],
  ["c", "к"],
  ["d", "д"],
  ["e", "е"],
  ["f", "ф"],
  ["g", "г"],
  ["h", "х"],
  ["i", "и"],
  ["j", "дж"],
  ["k", "к"],
  ["l", "л"],
  ["m", "м"],
  ["n", "н"],
  ["o", "о"],
  ["p", "п"],
  ["q", "к"],
  ["r", "р"],
  ["s", "с"],
  ["t", "т"],
  ["u", "у"],
  ["v", "в"],
  ["w", "в"],
  ["y", "й"],
  ["z", "з"],
];
/** Spellings multiply; more than these help nobody. */
const MAX_SPELLINGS = 12;

/** Terms that `term` may be in the other alphabet; none where it holds letters of neither, or of both. */
export function transliterationsOf(term: string): readonly string[] {
  const spellings = /^[а-я]+$/.test(term)
    ? inLatin(term)
    : /^[a-z]+$/.test(term)
    ? [inCyrillic(term)]
    : [];
  return [...new Set(spellings.flatMap(termsOf))];
}

function inLatin(term: string): string[] {
  let spellings = [""];
  for (const letter of term) {
    const letters = LATIN[letter] ?? [letter];
    const longer = letters.flatMap((each) => spellings.map((spelling) => spelling + each));
    spellings = longer.length <= MAX_SPELLINGS
      ? longer
      : spellings.map((spelling) => spelling + (letters[0] ?? ""));
  }
  return spellings;
}

function inCyrillic(term: string): string {
  let rest = term;
  let spelling = "";
  while (rest !== "") {
    const [latin, cyrillic] = CYRILLIC.find(([start]) => rest.startsWith(start)) ?? [rest, ""];
    spelling += cyrillic;
    rest = rest.slice(latin.length);
  }
  return spelling;
}
