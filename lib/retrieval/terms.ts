/**
 * What a text is indexed and searched by: stemmed words of Russian and English,
 * numbers in one form however they are written, identifiers whole and by part.
 */
import snowball from "snowball-stemmers";

const STOP_WORDS = new Set(
  (
    "a an and are as at be but by do does did for from had has have he her his how i if in into is it its " +
    "me my no not of on or our she so such than that the their them then there these they this those to " +
    "was we were what when where which who whom why will with would you your " +
    "а без бы был была были было быть в вам вас весь во вот все всего всех вы где да для до его ее если " +
    "есть же за и из или им их к как какая какие какой какое ко когда кто ли либо мы на над нам нас не нет " +
    "ни но ну о об от по под при с со так там те тем то того тоже той только том ты у уже чем что чтобы " +
    "чья эта эти это этого этой этом я"
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
    if (/^\d/.test(token) && !/\p{L}/u.test(token)) terms.push(normalNumber(token));
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

function wordTerms(token: string): string[] {
  const parts = token.split(/[-/.'’_]/).filter(Boolean);
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
