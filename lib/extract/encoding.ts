/**
 * The text in a file of unknown encoding. Detectors disagree on Cyrillic, so
 * the code pages are told apart by how Russian the letters come out.
 */
import jschardet from "jschardet";

const CYRILLIC_PAGES = ["windows-1251", "koi8-r", "ibm866", "iso-8859-5", "x-mac-cyrillic"];
const WESTERN = "windows-1252";
/** Below this a detector guesses, and the West is the better guess. */
const SURE = 0.9;
/** Enough for statistics, and little enough for a detector. */
const SAMPLE_BYTES = 64 * 1024;
/** The most frequent letters of Russian text, by falling frequency. */
const FREQUENT = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё";
const MAX_CONTROL_SHARE = 0.02;

/** The decoded text, or nothing when the bytes are no text in any encoding. */
export function decodeText(bytes: Uint8Array): string | undefined {
  const text = decode(bytes)?.replace(/^\ufeff/, "");
  if (text === undefined) return undefined;
  const sample = text.slice(0, SAMPLE_BYTES);
  // deno-lint-ignore no-control-regex
  const controls = sample.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g)?.length ?? 0;
  return controls > sample.length * MAX_CONTROL_SHARE ? undefined : text;
}

/** The beginning of a text, as `decodeText` would give it; enough to tell what it is. */
export function decodeHead(bytes: Uint8Array): string | undefined {
  if (bytes.length <= SAMPLE_BYTES) return decodeText(bytes);
  // A line's end is no part of a letter in UTF-8, and UTF-16 needs an even length.
  const end = bytes.lastIndexOf(0x0a, SAMPLE_BYTES) + 1 || SAMPLE_BYTES;
  const isWide = bytes[0] === 0xff || bytes[0] === 0xfe || bytes[end] === 0;
  if (isWide) return decodeText(bytes.subarray(0, end + end % 2));
  // One long line may be cut within a letter: up to three bytes of it are left out.
  for (const cut of [0, 1, 2, 3]) {
    if (((bytes[end - cut] ?? 0) & 0xc0) !== 0x80) return decodeText(bytes.subarray(0, end - cut));
  }
  return decodeText(bytes.subarray(0, end));
}

function decode(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Not UTF-8; what follows finds out what it is.
  }
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (zeros(sample, 1) > 0.3) return new TextDecoder("utf-16le").decode(bytes);
  if (zeros(sample, 0) > 0.3) return new TextDecoder("utf-16be").decode(bytes);
  return new TextDecoder(singleByteEncoding(sample)).decode(bytes);
}

/** The share of zero bytes at even (0) or odd (1) places. */
function zeros(sample: Uint8Array, parity: 0 | 1): number {
  let count = 0;
  for (let at = parity; at < sample.length; at += 2) if (sample[at] === 0) count++;
  return count / (sample.length / 2 || 1);
}

function singleByteEncoding(sample: Uint8Array): string {
  const russian = CYRILLIC_PAGES
    .map((encoding) => ({
      encoding,
      score: russianScore(new TextDecoder(encoding).decode(sample)),
    }))
    .reduce((best, other) => other.score > best.score ? other : best);
  if (russian.score > 0.5) return russian.encoding;
  const { encoding: guess, confidence } = jschardet.detect(sample as never);
  try {
    const { encoding } = new TextDecoder(confidence >= SURE ? guess ?? WESTERN : WESTERN);
    return CYRILLIC_PAGES.includes(encoding) ? WESTERN : encoding;
  } catch {
    return WESTERN;
  }
}

/**
 * How much the letters beyond ASCII are like Russian, from 0 to 1: frequent
 * letters count more; capitals within words, words of both alphabets and signs
 * that no text uses count against it.
 */
function russianScore(text: string): number {
  let score = 0;
  let foreign = 0;
  let previous = "";
  for (const letter of text) {
    if (letter.charCodeAt(0) > 127) {
      foreign++;
      const lower = letter.toLowerCase();
      const rank = FREQUENT.indexOf(lower);
      // In "caf" and "й" in one word the second is no Russian letter.
      const isMixed = /[a-z]/i.test(previous);
      const isCapitalWithin = letter !== lower && /\p{Ll}/u.test(previous);
      if (rank >= 0 && !isMixed && !isCapitalWithin) score += rank < 16 ? 1 : 0.5;
      else if (!/[«»—–…№“”„\u00a0]/.test(letter)) score -= 1;
    }
    previous = letter;
  }
  return foreign === 0 ? 0 : score / foreign;
}
