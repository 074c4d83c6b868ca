/**
 * Which recordings there are, told by their content, and how each is cut into
 * parts that fit into one request; no sound is decoded. Pure.
 */
import { DocumentRefusedError } from "../library.ts";
import { isMp3, splitMp3 } from "./mp3.ts";
import { splitOgg } from "./ogg.ts";
import { type Part, type PartLimits, tagAt } from "./parts.ts";
import { splitWav } from "./wav.ts";

/** A format that may be heard. */
export interface RecordingFormat {
  /** Also the name of the document format: `mp3`. */
  extension: string;
  mimeType: string;
  /**
   * Cuts it without decoding it, `undefined` from it for a file that cannot be cut;
   * absent for a container, which is not read in this process.
   */
  split?: (bytes: Uint8Array, limits: PartLimits) => Part[] | undefined;
}

/** What comes from one message must not cost without end. */
export const MAX_SECONDS = 6 * 3_600;
/** Short ones as well: six hours of parts of five minutes are 72. */
export const MAX_PARTS = 100;

/** Pictures that are kept in the same container as films. */
const PICTURES = /^(heic|heix|hevc|heim|heis|mif1|msf1|avif|avis|crx )/;

/** The formats of sound alone. */
export const SOUND_TYPES = ["wav", "ogg", "flac", "m4a", "mp3"] as const;
export type SoundType = typeof SOUND_TYPES[number];

/** How a format of sound is called. */
export function typed(extension: SoundType): { extension: string; mimeType: string } {
  return { extension, mimeType: `audio/${extension === "m4a" ? "mp4" : extension}` };
}

/** The format of a recording, by its first bytes; nothing for any other file. */
export function recordingFormat(bytes: Uint8Array): RecordingFormat | undefined {
  const tag = tagAt(bytes, 0);
  const kind = tagAt(bytes, 8);
  if (tag === "RIFF" && kind === "WAVE") return { ...typed("wav"), split: splitWav };
  if (tag === "OggS") return { ...typed("ogg"), split: splitOgg };
  if (tag === "fLaC") return typed("flac");
  if (tag === "\x1aE\xdf\xa3") return { extension: "webm", mimeType: "video/webm" };
  if (tagAt(bytes, 4) === "ftyp" && !PICTURES.test(kind)) {
    return /^M4[AB]/.test(kind) ? typed("m4a") : { extension: "mp4", mimeType: "video/mp4" };
  }
  if (isMp3(bytes)) return { ...typed("mp3"), split: splitMp3 };
}

/** The sound of a recording, in parts that each are a whole file. */
export interface Sound {
  /** Of each part: a film's sound has another one than the film. */
  extension: string;
  mimeType: string;
  parts: readonly Part[];
}

/**
 * Takes the sound out of a container, in parts; `undefined` for one whose codec
 * cannot be put into a file of its own.
 *
 * @throws {DocumentRefusedError} when it has no sound, cannot be read, or its reader dies of it
 */
export type Demux = (
  bytes: Uint8Array,
  limits: PartLimits,
  signal: AbortSignal,
) => Promise<Sound | undefined>;

/**
 * Cuts a recording into parts; one that cannot be cut is one part of unknown length.
 *
 * @throws {DocumentRefusedError} for one that is empty, endless, or too large to be heard whole
 */
export async function soundOf(
  bytes: Uint8Array,
  { split, extension, mimeType }: RecordingFormat,
  limits: PartLimits,
  demux: Demux,
  signal: AbortSignal,
): Promise<Sound> {
  const sound = split === undefined ? await demux(bytes, limits, signal) : {
    extension,
    mimeType,
    parts: split(bytes, limits),
  };
  const parts = sound?.parts;
  if (parts?.length === 0) throw new DocumentRefusedError("empty", "it holds no sound");
  const last = parts?.at(-1);
  const seconds = (last?.start ?? 0) + (last?.seconds ?? 0);
  if (seconds > MAX_SECONDS || (parts?.length ?? 0) > MAX_PARTS) {
    throw new DocumentRefusedError("too_long", `it lasts ${seconds} s`);
  }
  if (sound !== undefined && parts !== undefined) return { ...sound, parts };
  if (bytes.length > limits.maxBytes) {
    throw new DocumentRefusedError("uncuttable", `it has ${bytes.length} bytes in one piece`);
  }
  return { extension, mimeType, parts: [{ start: 0, bytes: () => bytes }] };
}

/** How long a recording lasts in seconds, where its format tells without decoding it. */
export function secondsOf(bytes: Uint8Array): number | undefined {
  const whole = { maxBytes: Infinity, maxSeconds: Infinity };
  const last = recordingFormat(bytes)?.split?.(bytes, whole)?.at(-1);
  return last?.seconds === undefined ? undefined : last.start + last.seconds;
}
