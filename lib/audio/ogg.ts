/**
 * Cuts an Ogg file of Opus or Vorbis between its pages (RFC 3533, RFC 7845);
 * each part gets the headers, and positions that begin with it. Pure.
 */
import { concatenated, type Part, type PartLimits, tagAt, viewOf } from "./parts.ts";

const PAGE_HEAD = 27;
const CONTINUED = 1;
const FIRST = 2;
const LAST = 4;
/** Opus counts its positions in these, whatever the rate of the recording was. */
const OPUS_RATE = 48_000;
/** Opus packs at most 255 packets of 60 ms into a page. */
const LONGEST_PAGE_SECONDS = 16;
/** The position of a page within which no packet ends. */
const NO_POSITION = -1n;

interface Page {
  bytes: Uint8Array;
  flags: number;
  position: bigint;
  serial: number;
}

interface Stream {
  /** Positions a second. */
  rate: number;
  /** Samples at the beginning that are not heard. */
  skipped: number;
}

/**
 * The parts of an Ogg file, none when it has headers alone; `undefined` when it
 * is damaged, or holds anything but one stream of sound.
 */
export function splitOgg(
  bytes: Uint8Array,
  { maxBytes, maxSeconds }: PartLimits,
): Part[] | undefined {
  const pages = pagesOf(bytes);
  const stream = streamOf(pages[0]);
  if (stream === undefined || pages.some(({ serial }) => serial !== pages[0]?.serial)) return;
  const begin = pages.findIndex(({ position }) => position > 0n);
  if (begin < 0) return [];
  const headers = pages.slice(0, firstOfSound(pages, begin));
  const sound = pages.slice(headers.length);
  const most = maxBytes - headers.reduce((sum, page) => sum + page.bytes.length, 0);

  // What was cut out of a broadcast has positions of the whole.
  const first = pages[begin]?.position ?? 0n;
  const origin = Number(first) / stream.rate > LONGEST_PAGE_SECONDS ? first : 0n;
  const skipped = origin === 0n ? stream.skipped : 0;

  const parts: Part[] = [];
  let some: Page[] = [];
  let size = 0;
  // The position at which the part begins, and the one that has been reached.
  let base = origin;
  let reached = origin;
  const close = () => {
    const [taken, from, to] = [some, base, reached];
    const heardAt = (position: bigint) =>
      Math.max(0, Number(position - origin) - skipped) / stream.rate;
    parts.push({
      start: heardAt(from),
      seconds: heardAt(to) - heardAt(from),
      bytes: () => fileOf(headers, taken, from),
    });
    [some, size, base] = [[], 0, reached];
  };
  for (const page of sound) {
    const end = page.position === NO_POSITION ? reached : page.position;
    const isFull = size + page.bytes.length > most ||
      Number(end - base) / stream.rate > maxSeconds;
    if (isFull && some.length > 0 && (page.flags & CONTINUED) === 0) close();
    if (size + page.bytes.length > most || end < reached) return undefined;
    some.push(page);
    size += page.bytes.length;
    reached = end;
  }
  if (some.length > 0) close();
  return parts;
}

/** Pages without a position may come before the first that has one, and are of the sound as well. */
function firstOfSound(pages: readonly Page[], withPosition: number): number {
  let first = withPosition;
  while (pages[first - 1]?.position === NO_POSITION) first--;
  return first;
}

/** The pages up to the end, or to where the file is cut off. */
function pagesOf(bytes: Uint8Array): Page[] {
  const view = viewOf(bytes);
  const pages: Page[] = [];
  for (let at = 0; at + PAGE_HEAD <= bytes.length && tagAt(bytes, at) === "OggS";) {
    const segments = bytes[at + 26] ?? 0;
    const lengths = bytes.subarray(at + PAGE_HEAD, at + PAGE_HEAD + segments);
    const size = PAGE_HEAD + segments + lengths.reduce((sum, length) => sum + length, 0);
    if (at + size > bytes.length) break;
    pages.push({
      bytes: bytes.subarray(at, at + size),
      flags: bytes[at + 5] ?? 0,
      position: view.getBigInt64(at + 6, true),
      serial: view.getUint32(at + 14, true),
    });
    at += size;
  }
  return pages;
}

/** What the first packet says of the stream. */
function streamOf(page: Page | undefined): Stream | undefined {
  if (page === undefined) return undefined;
  const packet = page.bytes.subarray(PAGE_HEAD + (page.bytes[26] ?? 0));
  const mark = String.fromCharCode(...packet.subarray(0, 8));
  if (mark === "OpusHead" && packet.length >= 12) {
    return { rate: OPUS_RATE, skipped: viewOf(packet).getUint16(10, true) };
  }
  if (mark.startsWith("\x01vorbis") && packet.length >= 16) {
    const rate = viewOf(packet).getUint32(12, true);
    return rate === 0 ? undefined : { rate, skipped: 0 };
  }
}

/** A file of the headers and some pages, as if the recording had begun with these. */
function fileOf(headers: readonly Page[], pages: readonly Page[], base: bigint): Uint8Array {
  const sound = pages.map((page) => ({
    ...page,
    position: page.position === NO_POSITION ? NO_POSITION : page.position - base,
  }));
  return concatenated([...headers, ...sound].map((page, n, all) => {
    const flags = page.flags & CONTINUED | (n === 0 ? FIRST : 0) |
      (n === all.length - 1 ? LAST : 0);
    return sealed(page.bytes, flags, page.position, n);
  }));
}

/** A copy of a page with another head and the checksum of it all. */
function sealed(page: Uint8Array, flags: number, position: bigint, ordinal: number): Uint8Array {
  const copy = page.slice();
  const view = viewOf(copy);
  copy[5] = flags;
  view.setBigInt64(6, position, true);
  view.setUint32(18, ordinal, true);
  view.setUint32(22, 0, true);
  view.setUint32(22, checksumOf(copy), true);
  return copy;
}

const POLYNOMIAL = 0x04c11db7;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum < 0 ? POLYNOMIAL : 0);
  return sum;
});

/** The checksum of a page whose own is 0: CRC-32, its highest bit first, without any inversion. */
export function checksumOf(page: Uint8Array): number {
  let sum = 0;
  for (const byte of page) sum = sum << 8 ^ (TABLE[sum >>> 24 ^ byte] ?? 0);
  return sum >>> 0;
}
