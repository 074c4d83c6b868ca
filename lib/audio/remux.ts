/**
 * Takes the sound out of a container (MP4, QuickTime, Matroska, WebM, FLAC) and
 * cuts it between its packets into files of its own; nothing is decoded. It
 * works on what strangers send, so it runs in a sandboxed process alone.
 */
import {
  type AudioCodec,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  FLAC,
  Input,
  type InputAudioTrack,
  Logging,
  LogLevel,
  MATROSKA,
  Mp3OutputFormat,
  MP4,
  Mp4OutputFormat,
  OggOutputFormat,
  Output,
  type OutputFormat,
  QTFF,
  WavOutputFormat,
  WEBM,
} from "mediabunny";
import { DocumentRefusedError } from "../library.ts";
import { flacOf } from "./flac.ts";
import type { PartLimits } from "./parts.ts";
import { MAX_PARTS, MAX_SECONDS, type SoundType } from "./recording.ts";

Logging.level = LogLevel.Silent;

/** One file that was cut out. */
export interface CutPart {
  /** When it begins, in seconds of the recording's own clock. */
  start: number;
  seconds: number;
  bytes: Uint8Array;
}

/** How a codec's packets become a file that the vendors' models take. */
interface Carrier {
  type: SoundType;
  write(track: Track, packets: readonly EncodedPacket[]): Promise<Uint8Array>;
}

interface Track {
  codec: AudioCodec;
  config: AudioDecoderConfig;
}

/** What a file needs beside its packets, and for each of them, at the most. */
const HEAD_BYTES = 4_096;
const PACKET_BYTES = 32;
/** A container may leave out silence, which none of the files can: a longer one begins a new part. */
const MAX_SILENCE_SECONDS = 5;
/** What a packet is taken to last at the most, where its length is only that to the next one. */
const LONGEST_PACKET_SECONDS = 1;
const SLICE_SECONDS = 0.1;

/**
 * Cuts the primary sound of a file; each part is given to `emit` as soon as it is made.
 *
 * @returns the format of the parts; `undefined` for a codec that no carrier takes
 * @throws {DocumentRefusedError} for one without sound, or that cannot be read
 */
export async function remux(
  bytes: Uint8Array,
  limits: PartLimits,
  emit: (part: CutPart) => Promise<void>,
): Promise<SoundType | undefined> {
  using input = new Input({
    source: new BufferSource(bytes),
    formats: [MP4, QTFF, MATROSKA, WEBM, FLAC],
  });
  const tracks = await unlessDamaged(() => input.getTracks());
  if (tracks.length === 0) throw new DocumentRefusedError("damaged", "it holds nothing");
  const track = await unlessDamaged(() => input.getPrimaryAudioTrack());
  if (track === null) throw new DocumentRefusedError("speechless", "it has no sound");
  const codec = await track.getCodec();
  const config = await track.getDecoderConfig();
  const carrier = codec === null ? undefined : carrierOf(codec);
  if (carrier === undefined || codec === null || config === null) return undefined;
  const headBytes = HEAD_BYTES + (config.description?.byteLength ?? 0);
  const most = limits.maxBytes - headBytes;

  const begin = Math.max(0, await unlessDamaged(() => input.getFirstTimestamp()));
  let packets: EncodedPacket[] = [];
  let size = 0;
  let taken = 0;
  let count = 0;
  /** When the part begins, how much of it sounds, and when that ends. */
  let start = 0;
  let sounding = 0;
  let end = 0;
  /** Of the packet before: when it begins, and how long it lasts, which not every one tells. */
  let before = -Infinity;
  let lasting = 0;
  const close = async () => {
    if (end > MAX_SECONDS || ++count > MAX_PARTS) {
      throw new DocumentRefusedError("too_long", `it lasts ${end} s and more`);
    }
    const file = await carrier.write({ codec, config }, packets);
    // What an encoder puts before the beginning is not heard.
    const heardFrom = Math.max(0, start);
    await emit({ start: heardFrom, seconds: Math.max(0, end - heardFrom), bytes: file });
    [packets, size, sounding] = [[], 0, 0];
  };
  for await (const packet of packetsOf(track, codec)) {
    const needed = packet.data.length + packet.data.length / 128 + PACKET_BYTES;
    const at = Math.max(before, packet.timestamp - begin);
    if (packet.duration > 0) lasting = packet.duration;
    const isSilent = at - start - sounding > MAX_SILENCE_SECONDS;
    const isFull = size + needed > most || at + lasting - start > limits.maxSeconds || isSilent;
    if (isFull && packets.length > 0) {
      if (!isSilent) end = at;
      await close();
    }
    // Tables may name the same bytes again and again.
    taken += packet.data.length;
    if (taken > bytes.length) {
      throw new DocumentRefusedError("damaged", "it holds more than it has");
    }
    if (needed > most) throw new DocumentRefusedError("uncuttable", "a packet is too large");
    if (packets.length === 0) start = at;
    packets.push(packet.clone({ timestamp: at - start }));
    size += needed;
    const sounds = Math.min(lasting, longest(packet, codec));
    sounding += sounds;
    end = at + sounds;
    before = at;
  }
  if (packets.length > 0) await close();
  if (count === 0) throw new DocumentRefusedError("empty", "it holds no sound");
  return carrier.type;
}

/** The packets up to the end, or to where the file is cut off. */
async function* packetsOf(
  track: InputAudioTrack,
  codec: AudioCodec,
): AsyncGenerator<EncodedPacket> {
  const sink = new EncodedPacketSink(track);
  const pcm = pcmOf(codec);
  const frameBytes = (pcm?.sampleBytes ?? 0) * await track.getNumberOfChannels();
  const rate = await track.getSampleRate();
  let packet = await unlessDamaged(() => sink.getFirstPacket());
  while (packet !== null) {
    if (pcm === undefined) yield packet;
    else yield* slicesOf(packet, frameBytes, rate);
    packet = await sink.getNextPacket(packet).catch(() => null);
  }
}

/** Samples come in packets of any length; one may be the whole recording. */
function* slicesOf(
  { data, type, timestamp }: EncodedPacket,
  frameBytes: number,
  rate: number,
): Generator<EncodedPacket> {
  const frames = Math.ceil(rate * SLICE_SECONDS);
  for (let n = 0; (n + 1) * frameBytes <= data.length; n += frames) {
    const samples = data.subarray(n * frameBytes, (n + frames) * frameBytes);
    const seconds = Math.floor(samples.length / frameBytes) / rate;
    yield new EncodedPacket(samples, type, timestamp + n / rate, seconds);
  }
}

/** What a packet may sound for, in seconds, as the next one may follow later. */
function longest({ data }: EncodedPacket, codec: AudioCodec): number {
  return codec === "opus" ? opusSeconds(data) : LONGEST_PACKET_SECONDS;
}

/** By the first two bytes of an Opus packet (RFC 6716, 3.1 and 3.2.5). */
function opusSeconds([kind = 0, frames = 0]: Uint8Array): number {
  const config = kind >> 3;
  const milliseconds = config < 12
    ? [10, 20, 40, 60][config & 3]
    : config < 16
    ? [10, 20][config & 1]
    : [2.5, 5, 10, 20][config & 3];
  const count = [1, 2, 2, frames & 63][kind & 3] ?? 1;
  return (milliseconds ?? 0) * count / 1_000;
}

async function unlessDamaged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new DocumentRefusedError("damaged", "its container cannot be read", { cause: error });
  }
}

function carrierOf(codec: AudioCodec): Carrier | undefined {
  if (codec === "aac") return { type: "m4a", write: muxed(new Mp4OutputFormat()) };
  if (codec === "opus" || codec === "vorbis") {
    return { type: "ogg", write: muxed(new OggOutputFormat()) };
  }
  if (codec === "mp3") return { type: "mp3", write: muxed(new Mp3OutputFormat()) };
  if (codec === "flac") {
    return {
      type: "flac",
      write: ({ config }, packets) =>
        Promise.resolve(flacOf(bytesOf(config.description), packets.map(({ data }) => data))),
    };
  }
  const pcm = pcmOf(codec);
  if (pcm === undefined) return undefined;
  const write = muxed(new WavOutputFormat());
  return {
    type: "wav",
    write: ({ config }, packets) =>
      write(
        { codec: pcm.codec, config: { ...config, codec: pcm.codec } },
        packets.map((packet) => packet.clone({ data: pcm.converted(packet.data) })),
      ),
  };
}

function muxed(format: OutputFormat): Carrier["write"] {
  return async ({ codec, config }, packets) => {
    const target = new BufferTarget();
    const output = new Output({ format, target });
    const source = new EncodedAudioPacketSource(codec);
    output.addAudioTrack(source);
    await output.start();
    for (const packet of packets) await source.add(packet, { decoderConfig: config });
    await output.finalize();
    return new Uint8Array(target.buffer ?? new ArrayBuffer());
  };
}

/** Raw samples, and what makes those of a WAV file of them: little-endian, signed from 16 bits on. */
function pcmOf(codec: AudioCodec):
  | { codec: AudioCodec; sampleBytes: number; converted: (data: Uint8Array) => Uint8Array }
  | undefined {
  if (codec === "ulaw" || codec === "alaw" || codec === "pcm-u8") {
    return { codec, sampleBytes: 1, converted: (data) => data };
  }
  if (codec === "pcm-s8") {
    return { codec: "pcm-u8", sampleBytes: 1, converted: (data) => data.map((byte) => byte ^ 128) };
  }
  const [, kind, bits, isBig] = /^pcm-([sf])(16|24|32|64)(be)?$/.exec(codec) ?? [];
  if (kind === undefined) return undefined;
  const sampleBytes = Number(bits) / 8;
  return {
    codec: `pcm-${kind}${bits}` as AudioCodec,
    sampleBytes,
    converted: (data) => isBig === undefined ? data : swapped(data, sampleBytes),
  };
}

function swapped(data: Uint8Array, sampleBytes: number): Uint8Array {
  const copy = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    // The last byte of a sample becomes its first.
    copy[at - 2 * (at % sampleBytes) + sampleBytes - 1] = data[at] ?? 0;
  }
  return copy;
}

function bytesOf(source: AllowSharedBufferSource | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array();
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
