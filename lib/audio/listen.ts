/**
 * A recording becomes text: cut into parts, a few of which are heard at once,
 * and put together again with times that count from the recording's beginning.
 */
import type { Audio, Segment, TranscribeReply } from "../ai/provider.ts";
import { atOnce } from "../at_once.ts";
import { cleaned } from "../extract/cleaned.ts";
import { DocumentRefusedError, type Extracted, type Section } from "../library.ts";
import { indexSections } from "../retrieval/index.ts";
import type { Part } from "./parts.ts";
import { type Demux, MAX_SECONDS, recordingFormat, soundOf } from "./recording.ts";

/** Short enough to be written down within the time of one call. */
const PART_SECONDS = 300;
/** Parts of one recording that are heard at the same time. */
const AT_ONCE = 3;
const SECONDS_IN_MINUTE = 60;

/** What listening needs of the world. */
export interface ListenPorts {
  /** The largest recording that one call takes. */
  maxBytes: number;
  /** Takes the sound out of a container. */
  demux: Demux;
  /** Hears one part; the ordinal is 0-based. */
  transcribe(audio: Audio, ordinal: number, signal: AbortSignal): Promise<TranscribeReply>;
  /** Told when a part begins: the 1-based ordinal of the first that is not heard yet. */
  onPart(part: number, of: number): void;
}

/** What a recording says. */
export interface Heard {
  /** Name of its format, such as `mp3`. */
  format: string;
  /** Its length as far as it is known: to the beginning of what is said last, at the least. */
  seconds: number;
  /** In the order in which it is said; one at least. */
  segments: readonly Segment[];
}

/**
 * Writes down a whole recording.
 *
 * @throws {DocumentRefusedError} for one that is no recording, cannot be heard, or in which nobody speaks
 */
export async function listen(
  bytes: Uint8Array,
  { maxBytes, demux, transcribe, onPart }: ListenPorts,
  signal: AbortSignal,
): Promise<Heard> {
  const format = recordingFormat(bytes);
  if (format === undefined) throw new DocumentRefusedError("unsupported", "it is no recording");
  const limits = { maxBytes, maxSeconds: PART_SECONDS };
  const { parts, mimeType, extension } = await soundOf(bytes, format, limits, demux, signal);
  let done = 0;
  onPart(1, parts.length);

  const heard = await atOnce(parts, AT_ONCE, async (part, ordinal, failed) => {
    const audio = { bytes: part.bytes(), mimeType, extension };
    const reply = await transcribe(audio, ordinal, AbortSignal.any([signal, failed]));
    if (reply.kind === "unheard") {
      throw new DocumentRefusedError(`unheard_${reply.reason}`, `the AI has not heard it`);
    }
    done++;
    if (done < parts.length) onPart(done + 1, parts.length);
    return placed(reply.segments, part);
  });

  const segments = heard.flat();
  if (segments.length === 0) throw new DocumentRefusedError("speechless", "nobody speaks in it");
  const last = parts.at(-1);
  const end = (last?.start ?? 0) + (last?.seconds ?? 0);
  return {
    format: format.extension,
    seconds: Math.max(end, ...segments.slice(-1).map(({ start }) => start)),
    segments,
  };
}

/** Segments with times of the whole; a model's sense of time may err, but not out of its part. */
function placed(segments: readonly Segment[], { start, seconds }: Part): Segment[] {
  let earliest = start;
  // The end itself belongs to what follows.
  const latest = seconds === undefined ? MAX_SECONDS : start + Math.max(0, seconds - 0.001);
  return segments.map((segment) => {
    earliest = Math.min(Math.max(earliest, start + segment.start), latest);
    return { start: earliest, text: segment.text };
  });
}

/** A recording as a document, a minute for each page. */
export function asDocument({ format, seconds, segments }: Heard): Extracted {
  const sections = minutesOf(segments).map(cleaned);
  const last = sections.at(-1)?.page ?? 1;
  return {
    format,
    unit: "minute",
    pages: Math.max(last, Math.ceil(seconds / SECONDS_IN_MINUTE)),
    ...indexSections(sections),
    tables: [],
    files: [],
    unread: 0,
  };
}

/** Sections of a minute each: minute 1 is 0:00 to 0:59. Minutes without a word have none. */
export function minutesOf(segments: readonly Segment[]): Section[] {
  const lines = new Map<number, string[]>();
  for (const { start, text } of segments) {
    const minute = minuteAt(start);
    const said = lines.get(minute);
    if (said === undefined) lines.set(minute, [text]);
    else said.push(text);
  }
  return [...lines].map(([page, texts]) => ({ page, heading: [], text: texts.join("\n") }));
}

/** The 1-based minute of a moment, as a citation names it. */
export function minuteAt(seconds: number): number {
  return Math.floor(seconds / SECONDS_IN_MINUTE) + 1;
}
