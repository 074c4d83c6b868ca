/**
 * Makes a FLAC file of frames that were cut out of a longer one (RFC 9639):
 * each frame tells its number, so that it would be sought at its old place. Pure.
 */
import { concatenated, viewOf } from "./parts.ts";

/** Bytes of the mark `fLaC` with the block STREAMINFO, and where that has what here is changed. */
const HEAD_BYTES = 42;
const FRAME_SIZES_AT = 12;
const SAMPLES_AT = 21;
const DIGEST_AT = 26;
const LAST_BLOCK = 0x80;

const FRAME_HEAD = 4;
const CHECKSUM_BYTES = 2;

/** A frame as it begins: up to its number, and from behind it. */
interface FrameHead {
  /** By samples where blocks are of different lengths, else by frames. */
  countsSamples: boolean;
  /** Bytes of the number. */
  numberBytes: number;
  /** Of the block and of the rate, in bytes, where they do not fit into the head. */
  extraBytes: number;
  samples: number;
}

/**
 * A FLAC file of these frames, numbered from 0.
 *
 * @param head of the whole: its first bytes, up to the end of its first block
 * @throws {RangeError} for what is no head or no frame
 */
export function flacOf(head: Uint8Array, frames: readonly Uint8Array[]): Uint8Array {
  if (head.length < HEAD_BYTES) throw new RangeError("Cannot write FLAC as its head is too short");
  let samples = 0;
  const numbered = frames.map((frame, ordinal) => {
    const read = headOf(frame);
    const copy = renumbered(frame, read, read.countsSamples ? samples : ordinal);
    samples += read.samples;
    return copy;
  });
  const info = head.slice(0, HEAD_BYTES);
  const view = viewOf(info);
  info[4] = LAST_BLOCK;
  // Sizes of frames and the digest are of the whole: 0 is "unknown".
  info.fill(0, FRAME_SIZES_AT, FRAME_SIZES_AT + 6);
  info.fill(0, DIGEST_AT);
  info[SAMPLES_AT] = (info[SAMPLES_AT] ?? 0) & 0xf0;
  view.setUint32(SAMPLES_AT + 1, samples);
  return concatenated([info, ...numbered]);
}

function headOf(frame: Uint8Array): FrameHead {
  const [sync = 0, kind = 0, sizes = 0] = frame;
  const lead = Math.clz32(~((frame[FRAME_HEAD] ?? 0xff) << 24));
  if (sync !== 0xff || (kind & 0xfe) !== 0xf8 || lead === 1 || lead > 7) {
    throw new RangeError("Cannot write FLAC as a frame does not begin like one");
  }
  const numberBytes = Math.max(1, lead);
  const code = sizes >> 4;
  const rate = sizes & 15;
  const at = FRAME_HEAD + numberBytes;
  const [high = 0, low = 0] = frame.subarray(at);
  const rateBytes = rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0;
  return {
    countsSamples: (kind & 1) === 1,
    numberBytes,
    extraBytes: (code === 6 ? 1 : code === 7 ? 2 : 0) + rateBytes,
    samples: code === 6
      ? high + 1
      : code === 7
      ? (high << 8 | low) + 1
      : code === 1
      ? 192
      : code < 6
      ? 144 << code
      : 1 << code,
  };
}

function renumbered(
  frame: Uint8Array,
  { numberBytes, extraBytes }: FrameHead,
  number: number,
): Uint8Array {
  const behind = FRAME_HEAD + numberBytes;
  const head = concatenated([
    frame.subarray(0, FRAME_HEAD),
    coded(number),
    frame.subarray(behind, behind + extraBytes),
  ]);
  const sound = frame.subarray(behind + extraBytes + 1, -CHECKSUM_BYTES);
  const whole = concatenated([
    head,
    Uint8Array.of(checksum8(head)),
    sound,
    new Uint8Array(CHECKSUM_BYTES),
  ]);
  const end = whole.length - CHECKSUM_BYTES;
  viewOf(whole).setUint16(end, checksum16(whole.subarray(0, end)));
  return whole;
}

/** As UTF-8 codes its letters, for up to 31 bits. */
function coded(number: number): Uint8Array {
  if (number < 0x80) return Uint8Array.of(number);
  const bytes: number[] = [];
  let rest = number;
  let room = 0x3f;
  while (rest > room) {
    bytes.unshift(0x80 | rest & 0x3f);
    rest >>>= 6;
    room >>= 1;
  }
  return Uint8Array.of(~(room << 1 | 1) & 0xff | rest, ...bytes);
}

const TABLE_8 = Uint8Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum & 0x80 ? 0x07 : 0);
  return sum;
});
const TABLE_16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 8;
  for (let bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum & 0x8000 ? 0x8005 : 0);
  return sum;
});

function checksum8(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = TABLE_8[sum ^ byte] ?? 0;
  return sum;
}

function checksum16(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = sum << 8 & 0xffff ^ (TABLE_16[sum >> 8 ^ byte] ?? 0);
  return sum;
}
