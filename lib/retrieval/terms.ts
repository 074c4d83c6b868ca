/**
 * What a text is indexed and searched by: stemmed words of Russian and English,
 * numbers in one form however they are written, identifiers whole and by part.
 */
import snowball from "snowball-stemmers";

const STOP_WORDS = new Set(
  (
    "a about above after again against all also am an and any are as at be because been before " +
    "being below between both but by can cannot could did do does doing down during each etc few " +
    "for from further fy had has have having he her here hers him his how i if in into is it its " +
    "just many me more most much my no nor not of off on once only or other our out over own please " +
    "same she should so some such than that the their them then there these they this those through " +
    "to too under until up very was we were what when where which while who whom why will with " +
    "would you your " +
    "а без более бы был была были было быть в вам вас весь во вот все всего всех вы где да даже для " +
    "до его ее если есть еще же за и из или им их к как какая какие какой какое каков какова каково " +
    "каковы ко когда кто куда ли либо между меня мне много может можно мы на над нам нас не него " +
    "нее нет ни но ну о об от перед по под после почему при про с себя сколько со так также такой " +
    "там те тем то тогда того тоже той только том тот ты у уже чем через что чтобы чья эта эти этих " +
    "это этого этой этом этот я"
  ).split(" "),
);

/** A number with groups and a fraction, a word that may hold figures, or an identifier of both. */
const TOKEN =
  /\d{1,3}(?:[ \u00a0\u202f,.']\d{3})+(?:[.,]\d+)?(?![\d\p{L}])|\d+(?:[.,]\d+)?(?![\d\p{L}])|[\p{L}\p{N}]+(?:[-/.'’_][\p{L}\p{N}]+)*/gu;

const english = snowball.newStemmer("english");
const russian = snowball.newStemmer("russian");
/** Stemming is the slow part, and texts repeat their words. */
const stems = new Map<string, string>();
const MAX_STEMS = 200_000;

/** The terms of `text` in their order, repetitions included. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [token] of text.normalize("NFKC").toLowerCase().replaceAll("ё", "е").matchAll(TOKEN)) {
    const year = yearOf(token);
    if (year !== undefined) terms.push(year);
    else if (/^\d/.test(token) && !/\p{L}/u.test(token)) terms.push(normalNumber(token));
    else terms.push(...wordTerms(token));
  }
  return terms;
}

/** Groups are dropped, the fraction's mark is a point, and its trailing zeros go. */
export function normalNumber(written: string): string {
  const [, whole = "", fraction = ""] =
    /^(\d{1,3}(?:[ \u00a0\u202f,.']\d{3})+|\d+)(?:[.,](\d+))?$/.exec(written) ?? [];
  const digits = (whole || written).replace(/\D/g, "");
  const rest = fraction.replace(/0+$/, "");
  return rest === "" ? digits : `${digits}.${rest}`;
}

/** FY22, FY2022 and 2022г are the year that a document's tables are headed by. */
function yearOf(token: string): string | undefined {
  const [, fiscal, year] = /^fy['’]?(?:20)?(\d\d)$|^((?:19|20)\d\d)гг?$/.exec(token) ?? [];
  return fiscal === undefined ? year : `20${fiscal}`;
}

function wordTerms(token: string): string[] {
  const parts = token.replace(/(?:['’](?:s|re|ve|ll|d|m)|n['’]t)$/, "").split(/[-/.'’_]/).filter(
    Boolean,
  );
  const words = parts.filter((part) => !STOP_WORDS.has(part)).map(stem);
  // An identifier such as AB-12/3 is searched whole; a hyphenated word by its parts alone.
  return parts.length > 1 && /\d/.test(token) ? [token, ...words] : words;
}

function stem(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  if (stems.size >= MAX_STEMS) stems.clear();
  const stemmer = /\p{Script=Cyrillic}/u.test(word) ? russian : english;
  const stemmed = /\d/.test(word) ? word : stemmer.stem(word);
  stems.set(word, stemmed);
  return stemmed;
}
