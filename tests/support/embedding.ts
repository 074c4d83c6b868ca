/**
 * An embedding that a test can foresee: words of one meaning, in either
 * language, point in one direction, and other words each in their own. No
 * model, but near is near and far is far.
 */

/** Words of one meaning in a row, by how they begin. */
const MEANINGS: readonly (readonly string[])[] = [
  ["landlord", "lessor", "owner", "арендодател", "наймодател", "собственник"],
  ["dog", "pet", "animal", "hound", "собак", "животн", "питом"],
  ["forbid", "prohibit", "ban", "not permitted", "запрещ", "нельзя"],
  ["terminat", "cancel", "end", "quit", "расторг", "прекра"],
  ["pay", "salary", "wage", "remunerat", "earn", "оплат", "зарплат", "вознагражд"],
  ["holiday", "vacation", "leave", "отпуск", "каникул"],
  ["car", "vehicle", "automobile", "машин", "автомобил"],
  ["fire", "blaze", "burn", "пожар", "гор"],
];
/** Words that say nothing by themselves. */
const EMPTY =
  /^(?:the|an?|is|are|of|to|in|on|at|and|or|may|can|do|does|i|my|it|what|who|how|for|by|be|я|в|на|и|ли|мой|моя|у)$/u;
const DIMENSIONS = 256;

/** The direction of `text`, of length 1 unless it has no words. */
export function embedText(text: string, dimensions = DIMENSIONS): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  // Said twice is no more than said.
  for (const word of new Set(text.toLowerCase().match(/\p{L}+|\d+/gu))) {
    if (EMPTY.test(word)) continue;
    const meaning = MEANINGS.findIndex((words) => words.some((each) => word.startsWith(each)));
    // An ending changes little of what a word means.
    const what = meaning >= 0 ? `meaning ${meaning}` : word.slice(0, 5);
    for (const [n, part] of directionOf(what, dimensions).entries()) {
      vector[n] = (vector[n] ?? 0) + part;
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((part) => part / length);
}

/** Known ones are kept, as a benchmark embeds books. */
const directions = new Map<string, Int8Array>();

function directionOf(what: string, dimensions: number): Int8Array {
  const key = `${what} ${dimensions}`;
  const known = directions.get(key);
  if (known !== undefined) return known;
  const direction = Int8Array.from({ length: dimensions }, (_, n) => sign(`${what} ${n}`));
  directions.set(key, direction);
  return direction;
}

/** FNV-1a, of which one bit is used. */
function sign(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ hash >>> 13) & 1 ? 1 : -1;
}
