/**
 * Cuts an MP3 file between its frames (ISO/IEC 11172-3 and 13818-3, layer III),
 * each of which tells how long it is and lasts. Pure.
 */
import { type Part, type PartLimits, tagAt } from "./parts.ts";

const FRAME_HEAD = 4;
/** Kilobits a second by the index in the header, for MPEG 1 and for MPEG 2 and 2.5. */
const BITRATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const RATES = [44_100, 48_000, 32_000] as const;
/** By the two bits of the version: 2.5, none, 2, 1. */
const RATE_DIVISORS = [4, 0, 2, 1] as const;
const LAYER_III = 1;

interface Frame {
  bytes: number;
  seconds: number;
}

/** The parts of an MP3 file, cut at most once in a frame's time; `undefined` when it has no frames. */
export function splitMp3(
  bytes: Uint8Array,
  { maxBytes, maxSeconds }: PartLimits,
): Part[] | undefined {
  const parts: Part[] = [];
  let from = -1;
  let start = 0;
  let time = 0;
  const close = (to: number) => {
    const begin = from;
    const part = { start, seconds: time - start, bytes: () => bytes.subarray(begin, to) };
    if (begin >= 0 && time > start) parts.push(part);
    from = to;
    start = time;
  };
  let at = afterTags(bytes);
  while (at + FRAME_HEAD <= bytes.length) {
    const frame = frameAt(bytes, at);
    if (frame === undefined || at + frame.bytes > bytes.length) {
      at++;
      continue;
    }
    // The first frame may hold nothing but the length of the whole, which a part has not.
    const isIndex = from < 0 && hasIndex(bytes.subarray(at, at + frame.bytes));
    if (!isIndex) {
      if (from < 0) from = at;
      const isFull = at + frame.bytes - from > maxBytes ||
        time + frame.seconds - start > maxSeconds;
      if (isFull) close(at);
      time += frame.seconds;
    }
    at += frame.bytes;
  }
  close(bytes.length);
  return parts.length === 0 ? undefined : parts;
}

/** Whether frames begin here: one that another one follows, as a pair of bytes may look like one. */
export function isMp3(bytes: Uint8Array): boolean {
  if (tagAt(bytes, 0).startsWith("ID3")) return true;
  const first = frameAt(bytes, 0);
  return first !== undefined && frameAt(bytes, first.bytes) !== undefined;
}

function afterTags(bytes: Uint8Array): number {
  if (!tagAt(bytes, 0).startsWith("ID3")) return 0;
  // Seven bits of each byte count.
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(6, 10);
  return 10 + ((a & 127) << 21 | (b & 127) << 14 | (c & 127) << 7 | d & 127);
}

function frameAt(bytes: Uint8Array, at: number): Frame | undefined {
  // Tried at every byte of what is no frame, so nothing is allocated here.
  if (bytes[at] !== 0xff) return undefined;
  const kind = bytes[at + 1] ?? 0;
  const rates = bytes[at + 2] ?? 0;
  if ((kind & 0xe0) !== 0xe0 || (kind >> 1 & 3) !== LAYER_III) return undefined;
  const divisor = RATE_DIVISORS[kind >> 3 & 3] ?? 0;
  const kilobits = BITRATES[divisor === 1 ? 0 : 1][rates >> 4] ?? 0;
  const rate = (RATES[rates >> 2 & 3] ?? 0) / divisor;
  if (divisor === 0 || kilobits === 0 || rate === 0) return undefined;
  const samples = divisor === 1 ? 1_152 : 576;
  const padding = rates >> 1 & 1;
  return {
    bytes: Math.floor(samples / 8 * kilobits * 1_000 / rate) + padding,
    seconds: samples / rate,
  };
}

/** Whether a frame holds an index in place of sound: behind its side information, by its mark. */
function hasIndex(frame: Uint8Array): boolean {
  return [13, 21, 36].some((at) => /^(Xing|Info|VBRI)$/.test(tagAt(frame, at)));
}
