/**
 * Cuts a WAV file between its samples (RIFF, "Multimedia Programming Interface
 * and Data Specifications 1.0"); each part gets a header of its own. Pure.
 */
import { concatenated, type Part, type PartLimits, tagAt, viewOf } from "./parts.ts";

const CHUNK_HEAD = 8;
const RIFF_HEAD = 12;
/** Of a chunk `fmt `: up to the bits of a sample. */
const FORMAT_BYTES = 16;
/** The number of the format, and bytes of a sample, of what a model speaks. */
const PCM = 1;
const SAMPLE_BYTES = 2;

/** The parts of a WAV file, none when it holds no sample; `undefined` when it is no sound one. */
export function splitWav(bytes: Uint8Array, limits: PartLimits): Part[] | undefined {
  const view = viewOf(bytes);
  let format: Uint8Array | undefined;
  for (let at = RIFF_HEAD; at + CHUNK_HEAD <= bytes.length;) {
    const tag = tagAt(bytes, at);
    const size = view.getUint32(at + 4, true);
    const begin = at + CHUNK_HEAD;
    if (tag === "fmt " && size >= FORMAT_BYTES) format = bytes.subarray(begin, begin + size);
    // One that was streamed says that it has 4 GB, or nothing.
    if (tag === "data") {
      const end = size === 0 ? bytes.length : Math.min(begin + size, bytes.length);
      return format && partsOf(format, bytes.subarray(begin, end), limits);
    }
    at = begin + size + size % 2;
  }
}

function partsOf(
  format: Uint8Array,
  data: Uint8Array,
  { maxBytes, maxSeconds }: PartLimits,
): Part[] | undefined {
  if (format.length < FORMAT_BYTES) return undefined;
  const view = viewOf(format);
  const bytesPerSecond = view.getUint32(8, true);
  const block = view.getUint16(12, true);
  const head = RIFF_HEAD + CHUNK_HEAD + format.length + CHUNK_HEAD;
  const most = Math.min(maxBytes - head, maxSeconds * bytesPerSecond);
  const step = block === 0 ? 0 : Math.floor(most / block) * block;
  if (step <= 0) return undefined;
  const parts: Part[] = [];
  for (let at = 0; at + block <= data.length; at += step) {
    const samples = data.subarray(at, at + step);
    parts.push({
      start: at / bytesPerSecond,
      seconds: samples.length / bytesPerSecond,
      bytes: () => wavOf(format, samples),
    });
  }
  return parts;
}

/** A WAV file of raw samples: PCM of 16 bits, little-endian, one channel. */
export function wavOfPcm(samples: Uint8Array, rate: number): Uint8Array {
  const format = new Uint8Array(FORMAT_BYTES);
  const view = viewOf(format);
  view.setUint16(0, PCM, true);
  view.setUint16(2, 1, true);
  view.setUint32(4, rate, true);
  view.setUint32(8, rate * SAMPLE_BYTES, true);
  view.setUint16(12, SAMPLE_BYTES, true);
  view.setUint16(14, SAMPLE_BYTES * 8, true);
  return wavOf(format, samples);
}

/** A WAV file of a chunk `fmt ` and samples. */
export function wavOf(format: Uint8Array, samples: Uint8Array): Uint8Array {
  const size = 4 + CHUNK_HEAD + format.length + CHUNK_HEAD + samples.length;
  return concatenated([
    ...chunkHead("RIFF", size),
    letters("WAVE"),
    ...chunkHead("fmt ", format.length),
    format,
    ...chunkHead("data", samples.length),
    samples,
  ]);
}

function chunkHead(tag: string, size: number): Uint8Array[] {
  const length = new Uint8Array(4);
  viewOf(length).setUint32(0, size, true);
  return [letters(tag), length];
}

function letters(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
