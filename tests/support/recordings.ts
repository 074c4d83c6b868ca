/** Recordings for tests: whole files of their formats, made sample by sample, frame by frame, page by page. */
import { concatenated } from "../../lib/audio/parts.ts";
import { checksumOf } from "../../lib/audio/ogg.ts";
import { wavOf } from "../../lib/audio/wav.ts";

/** Telephone quality: 8 bits at this many a second. */
export const RATE = 8_000;
const SILENCE = 128;

/** A WAV of one channel and 8 bits; a moment is marked by a second of its own loudness. */
export function wav(seconds: number, marks: readonly { at: number; value: number }[] = []) {
  const samples = new Uint8Array(seconds * RATE).fill(SILENCE);
  for (const { at, value } of marks) samples.fill(value, at * RATE, (at + 1) * RATE);
  return wavOf(format(), samples);
}

/** The marks of a WAV, each with its second. */
export function marksIn(file: Uint8Array): { at: number; value: number }[] {
  const marks: { at: number; value: number }[] = [];
  for (let at = 44; at < file.length; at += RATE) {
    const value = file[at] ?? SILENCE;
    if (value !== SILENCE) marks.push({ at: (at - 44) / RATE, value });
  }
  return marks;
}

function format(): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 1, true);
  view.setUint16(2, 1, true);
  view.setUint32(4, RATE, true);
  view.setUint32(8, RATE, true);
  view.setUint16(12, 1, true);
  view.setUint16(14, 8, true);
  return bytes;
}

const MP3_FRAME_BYTES = 417;
/** How long one frame of an MP3 lasts, in seconds. */
export const MP3_FRAME_SECONDS = 1_152 / 44_100;

/** An MP3 of 128 kbit/s: a tag, a frame with an index, and so many frames that hold their number. */
export function mp3(frames: number, { tag = true, index = true } = {}): Uint8Array {
  const pieces: Uint8Array[] = [];
  if (tag) {
    pieces.push(concatenated([letters("ID3\x04\x00\x00\x00\x00\x01\x00"), new Uint8Array(128)]));
  }
  if (index) pieces.push(mp3Frame(letters("Info"), 36));
  for (let n = 0; n < frames; n++) pieces.push(mp3Frame(Uint8Array.of(n & 127, n >> 7 & 127), 100));
  return concatenated(pieces);
}

/** The numbers of the frames that an MP3 without tag and index holds. */
export function mp3Numbers(file: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < file.length; at += MP3_FRAME_BYTES) {
    numbers.push((file[at + 100] ?? 0) + ((file[at + 101] ?? 0) << 7));
  }
  return numbers;
}

function mp3Frame(content: Uint8Array, at: number): Uint8Array {
  const frame = new Uint8Array(MP3_FRAME_BYTES);
  frame.set([0xff, 0xfb, 0x90, 0x00]);
  frame.set(content, at);
  return frame;
}

/** One page of an Ogg file. */
export interface OggPage {
  flags?: number;
  position: bigint;
  packet: Uint8Array;
  serial?: number;
}

/** Samples that an Opus decoder leaves out at the beginning. */
export const PRE_SKIP = 312;

/** An Opus recording of a page for each second, which holds the second's number. */
export function opus(seconds: number): Uint8Array {
  const head = concatenated([
    letters("OpusHead"),
    Uint8Array.of(1, 1, PRE_SKIP & 255, PRE_SKIP >> 8, 0x80, 0xbb, 0, 0, 0, 0, 0),
  ]);
  const sound = Array.from({ length: seconds }, (_, n) => ({
    position: BigInt((n + 1) * 48_000 + PRE_SKIP),
    packet: Uint8Array.of(n & 255, n >> 8),
  }));
  return ogg([
    { flags: 2, position: 0n, packet: head },
    { position: 0n, packet: concatenated([letters("OpusTags"), new Uint8Array(8)]) },
    ...sound,
  ]);
}

export function ogg(pages: readonly OggPage[]): Uint8Array {
  return concatenated(pages.map(({ flags = 0, position, packet, serial = 7 }, n) => {
    const page = new Uint8Array(28 + packet.length);
    const view = new DataView(page.buffer);
    page.set(letters("OggS"));
    page[5] = flags;
    view.setBigInt64(6, position, true);
    view.setUint32(14, serial, true);
    view.setUint32(18, n, true);
    page[26] = 1;
    page[27] = packet.length;
    page.set(packet, 28);
    view.setUint32(22, checksumOf(page), true);
    return page;
  }));
}

/** The pages of a file that `ogg` or a splitter has made; fails when a page's checksum or number is wrong. */
export function oggPages(file: Uint8Array): OggPage[] {
  const pages: OggPage[] = [];
  for (let at = 0; at < file.length;) {
    const view = new DataView(file.buffer, file.byteOffset + at);
    const page = file.slice(at, at + 28 + (file[at + 27] ?? 0));
    const checksum = view.getUint32(22, true);
    page.fill(0, 22, 26);
    if (checksumOf(page) !== checksum) throw new Error(`Page ${pages.length} has a wrong checksum`);
    if (view.getUint32(18, true) !== pages.length) throw new Error("Pages are numbered wrongly");
    pages.push({
      flags: page[5] ?? 0,
      position: view.getBigInt64(6, true),
      packet: page.subarray(28),
      serial: view.getUint32(14, true),
    });
    at += page.length;
  }
  return pages;
}

function letters(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
