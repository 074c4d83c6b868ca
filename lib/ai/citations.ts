/**
 * The check that a citation is true: a place that no passage of the prompt has,
 * or that plainly does not say what it is cited for, is marked in the answer
 * before a user sees it. Pure.
 */
import { type Claim, isElsewhere, lastClaim, supportOf, termSet } from "./evidence.ts";
import type { FoundPassage, Unit } from "../library.ts";
import type { Language } from "../texts/texts.ts";
import { citableName, placeLabel } from "./place.ts";

/** An answer after the check. */
export interface CheckedCitations {
  /** The answer, with the places marked that were not found. */
  text: string;
  /** Passages that the answer rests on, each once, in the order of their first citation. */
  cited: FoundPassage[];
  /** Labels of cited places that no passage has, or that say nothing of the claim, each once. */
  unknown: string[];
}

/** Places from `first` to `last`, both included; one place when they are equal. */
interface Place {
  unit: Unit;
  first: number;
  last: number;
}

const NOT_FOUND: Record<Language, string> = {
  en: "not found in the document",
  ru: "в документе не найдено",
};

const NOT_THERE: Record<Language, string> = {
  en: "not found there",
  ru: "там не найдено",
};
const MARKS = [...Object.values(NOT_FOUND), ...Object.values(NOT_THERE)];

const BRACKETS = /\[([^\[\]]{1,400})\]/g;
/** Brackets that stand behind one claim together. */
const GROUPS = /\[[^\[\]]{1,400}\](?:[\s,;]{0,3}\[[^\[\]]{1,400}\])*/g;
/** Those that are no link, with the blanks before them. */
const SPACED_BRACKETS = /[ \t]*\[([^\[\]]{1,400})\](?!\()/g;

const NUMBERS = String.raw`\d{1,7}(?:\s*(?:[-–—,&]|and|и)\s*\d{1,7})*`;
const NO_LETTER_BEFORE = String.raw`(?<![\p{L}\p{N}])`;
const NO_LETTER_AFTER = String.raw`(?![\p{L}\p{N}])`;

/** How models name a unit: our own label first, then what they write instead. */
const PLACES: readonly { unit: Unit; pattern: RegExp }[] = [
  before("page", String.raw`pp?\.?|pages?|сс?\.|стр\.?|страниц[аыеу]?`),
  before("sheet", "sheets?|лист(?:ы|а|ах)?"),
  before("slide", "slides?|слайд(?:ы|а|ах)?"),
  before("chapter", String.raw`ch\.|chapters?|гл\.|глав[аыеу]?`),
  before("part", String.raw`parts?|ч\.|част(?:ь|и|ях)`),
  {
    unit: "minute",
    pattern: new RegExp(
      `${NO_LETTER_BEFORE}(${NUMBERS})\\s*(?:min(?:utes?)?|мин(?:ут[аы]?)?)${NO_LETTER_AFTER}`,
      "giu",
    ),
  },
];

function before(unit: Unit, names: string): { unit: Unit; pattern: RegExp } {
  const pattern = new RegExp(
    `${NO_LETTER_BEFORE}(?:${names})\\s*(${NUMBERS})${NO_LETTER_AFTER}`,
    "giu",
  );
  return { unit, pattern };
}

/**
 * Finds citations such as `[p. 12]`, `[с. 3, 5]`, `[report.pdf, p. 12-14]` in
 * an answer and looks each up among the passages that the model was given. A
 * range counts as found when passages have both its ends.
 */
export function checkCitations(
  text: string,
  passages: readonly FoundPassage[],
  language: Language,
): CheckedCitations {
  const unknown = new Set<string>();
  const names = new Set(passages.map((passage) => citableName(passage.documentName)));
  const candidatesOf = (name: string | undefined) =>
    passages.filter(({ documentName }) => name === undefined || citableName(documentName) === name);

  const check = (citation: string): string => {
    const { name, rest } = splitName(citation, names);
    const candidates = candidatesOf(name);
    const found: string[] = [];
    const missing: string[] = [];
    for (const { unit, first, last } of placesIn(rest)) {
      for (const page of new Set([first, last])) {
        const known = candidates.some((each) => each.unit === unit && each.page === page);
        (known ? found : missing).push(placeLabel(unit, page, language));
      }
    }
    if (missing.length === 0) return `[${citation}]`;
    missing.forEach((label) => unknown.add(label));
    if (found.length === 0) return `[${citation}: ${NOT_FOUND[language]}]`;
    const prefix = name === undefined ? "" : `${name}, `;
    return `[${prefix}${found.join(", ")}] ` +
      `[${prefix}${missing.join(", ")}: ${NOT_FOUND[language]}]`;
  };

  /** The passages that one bracket cites; none when it is marked. */
  const passagesOf = (content: string): FoundPassage[] => {
    if (isMarked(content)) return [];
    return content.split(";").flatMap((citation) => {
      const { name, rest } = splitName(citation.trim(), names);
      const candidates = candidatesOf(name);
      return placesIn(rest).flatMap(({ unit, first, last }) =>
        candidates.filter((each) => each.unit === unit && each.page >= first && each.page <= last)
      );
    });
  };

  const terms = new Map<FoundPassage, ReadonlySet<string>>();
  const termsOfPassage = (passage: FoundPassage) =>
    terms.getOrInsertComputed(
      passage,
      () => termSet([...passage.heading, passage.text].join("\n")),
    );

  /** Where a claim plainly stands, if that is not among `cited`. */
  const placeElsewhere = (before: string, cited: readonly FoundPassage[]) => {
    if (cited.length === 0) return undefined;
    const claim = lastClaim(before);
    const here = cited.map(termsOfPassage).reduce((all, terms) => all.union(terms));
    const pages = new Set(cited.map(({ documentId, page }) => `${documentId} ${page}`));
    return passages
      .filter(({ documentId, page }) => !pages.has(`${documentId} ${page}`))
      .map((passage) => ({ passage, terms: termsOfPassage(passage) }))
      .filter(({ terms }) => isElsewhere(claim, here, terms))
      .sort((a, b) => supportOf(claim, b.terms) - supportOf(claim, a.terms))
      .at(0)?.passage;
  };

  const existing = text.replace(BRACKETS, (whole, content: string) => {
    const citations = content.split(";").map((part) => part.trim());
    const marked = citations.map(check);
    const same = marked.every((part, index) => part === `[${citations[index]}]`);
    return same ? whole : marked.join(" ");
  });
  let from = 0;
  const checked = existing.replace(GROUPS, (group, ...rest) => {
    const at = rest.find((each) => typeof each === "number") ?? 0;
    const before = existing.slice(from, at);
    from = at + group.length;
    const cited = [...group.matchAll(BRACKETS)].flatMap(([, content = ""]) => passagesOf(content));
    const right = placeElsewhere(before, cited);
    if (right === undefined) return group;
    const label = placeLabel(right.unit, right.page, language);
    const name = names.size > 1 ? `${citableName(right.documentName)}, ` : "";
    const marked = group.replace(BRACKETS, (bracket, content: string) => {
      if (isMarked(content)) return bracket;
      unknown.add(content);
      return `[${content}: ${NOT_THERE[language]}]`;
    });
    return `${marked} [${name}${label}]`;
  });
  const cited = [...checked.matchAll(BRACKETS)].flatMap(([, content = ""]) => passagesOf(content));
  return { text: checked, cited: [...new Set(cited)], unknown: [...unknown] };
}

function isMarked(content: string): boolean {
  return MARKS.some((mark) => content.endsWith(mark));
}

/** All that an answer claims where it cites this place, whatever document it names. */
export function claimAt(text: string, unit: Unit, page: number): Claim {
  let from = 0;
  const claims = [...text.matchAll(GROUPS)].flatMap((match) => {
    const before = text.slice(from, match.index);
    from = match.index + match[0].length;
    const isCited = placesIn(match[0]).some((place) =>
      place.unit === unit && place.first <= page && page <= place.last
    );
    return isCited ? [lastClaim(before)] : [];
  });
  return {
    figures: new Set(claims.flatMap(({ figures }) => [...figures])),
    words: new Set(claims.flatMap(({ words }) => [...words])),
  };
}

/**
 * The places that a checked answer cites, each once, in their order; what was not
 * found is left out, and so is a page that several documents have where none is named.
 */
export function citedPlaces<D extends { name: string; unit: Unit }>(
  text: string,
  documents: readonly D[],
): { document: D; page: number }[] {
  const places = new Map<string, { document: D; page: number }>();
  const names = new Set(documents.map((document) => citableName(document.name)));
  for (const [, content = ""] of text.matchAll(BRACKETS)) {
    if (isMarked(content)) continue;
    for (const citation of content.split(";").map((part) => part.trim())) {
      const { name, rest } = splitName(citation, names);
      const candidates = documents.filter((document) =>
        name === undefined || citableName(document.name) === name
      );
      const [document] = candidates;
      if (document === undefined || candidates.length > 1) continue;
      for (const { unit, first } of placesIn(rest)) {
        if (unit !== document.unit) continue;
        places.set(`${citableName(document.name)}:${first}`, { document, page: first });
      }
    }
  }
  return [...places.values()];
}

/** The text as it is read aloud: without places, though what was not found is still said. */
export function withoutCitations(text: string): string {
  return text.replace(SPACED_BRACKETS, (whole, content: string) => {
    if (placesIn(content).length === 0) return whole;
    const mark = MARKS.find((each) => content.includes(each));
    return mark === undefined ? "" : ` (${mark})`;
  });
}

/**
 * Takes the document's name off a citation, so that digits in it are not read
 * as places. What looks like a file's name counts as one even if it is unknown:
 * then nothing in it can be found.
 */
function splitName(
  citation: string,
  names: ReadonlySet<string>,
): { name: string | undefined; rest: string } {
  const folded = citation.normalize("NFC").toLowerCase();
  const known = [...names]
    .sort((a, b) => b.length - a.length)
    .find((name) => name !== "" && /^\s*[,:]/.test(after(folded, name.toLowerCase())));
  if (known !== undefined) return { name: known, rest: after(folded, known.toLowerCase()) };
  const claimed = /^[^,]+\.\p{L}[\p{L}\p{N}]{1,4}(?=\s*[,:])/u.exec(citation)?.[0];
  return { name: claimed, rest: after(citation, claimed ?? "") };
}

/** What follows `start` in `text`; nothing if it does not begin so. */
function after(text: string, start: string): string {
  return text.startsWith(start) ? text.slice(start.length) : "";
}

function placesIn(citation: string): Place[] {
  return PLACES.flatMap(({ unit, pattern }) =>
    [...citation.matchAll(pattern)].flatMap(([, numbers = ""]) =>
      numbers.split(/\s*(?:,|&|and|и)\s*/i).map((range) => {
        const ends = range.split(/\s*[-–—]\s*/).map(Number);
        const first = Math.min(...ends);
        return { unit, first, last: Math.max(...ends) };
      })
    )
  );
}
