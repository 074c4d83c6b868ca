/** Containers for tests, written by the library's own muxer: sound whose packets hold their number. */
import {
  type AudioCodec,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FLAC,
  Input,
  MATROSKA,
  MP3,
  MP4,
  Mp4OutputFormat,
  OGG,
  Output,
  type OutputFormat,
  QTFF,
  WAVE,
  WEBM,
  WebMOutputFormat,
} from "mediabunny";

const RATE = 8_000;
/** How long a packet lasts, in seconds. */
export const PACKET_SECONDS = 1_024 / RATE;
const LETTERS = 7;

/** AAC of two channels, of low complexity, at 8 kHz: two bytes as MPEG-4 has them. */
const AAC = {
  codec: "mp4a.40.2",
  sampleRate: RATE,
  numberOfChannels: 2,
  description: Uint8Array.of(0x15, 0x90),
};
/** Bytes of a packet's picture: a film is larger than its sound. */
const PICTURE_BYTES = 2_000;

/** An MP4 of AAC, with a picture a second if asked for; the sound begins at `from`, in seconds. */
export async function mp4(
  seconds: number,
  { pictures = false, from = 0 } = {},
): Promise<Uint8Array> {
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat(), target });
  const sound = new EncodedAudioPacketSource("aac");
  const video = new EncodedVideoPacketSource("vp9");
  if (pictures) output.addVideoTrack(video);
  output.addAudioTrack(sound);
  await output.start();
  for (let n = 0; pictures && n < seconds + from; n++) {
    await video.add(new EncodedPacket(new Uint8Array(PICTURE_BYTES), "key", n, 1), {
      decoderConfig: { codec: "vp09.00.10.08", codedWidth: 64, codedHeight: 48 },
    });
  }
  if (pictures) video.close();
  for (let n = 0; n * PACKET_SECONDS < seconds; n++) {
    const data = new TextEncoder().encode(`P${String(n).padStart(LETTERS - 1, "0")}`);
    await sound.add(new EncodedPacket(data, "key", from + n * PACKET_SECONDS, PACKET_SECONDS), {
      decoderConfig: AAC,
    });
  }
  await output.finalize();
  return new Uint8Array(target.buffer ?? new ArrayBuffer());
}

/** The numbers of the packets that a file of `mp4` or a part of it holds, told by its bytes alone. */
export function numbersIn(file: Uint8Array): number[] {
  const letters = new TextDecoder("latin1").decode(file);
  return [...letters.matchAll(/P(\d{6})/g)].map(([, number]) => Number(number));
}

/** A WebM of Opus, of packets of 20 ms at these moments. */
export async function webm(moments: readonly number[]): Promise<Uint8Array> {
  const head = Uint8Array.from("OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0", (c) => c.charCodeAt(0));
  const config = { codec: "opus", sampleRate: 48_000, numberOfChannels: 1, description: head };
  return await fileOf(
    new WebMOutputFormat(),
    "opus",
    config,
    // Silk of a wide band, one frame of 20 ms.
    moments.map((at, n) => new EncodedPacket(Uint8Array.of(0x48, n, n >> 8), "key", at, 0.02)),
  );
}

async function fileOf(
  format: OutputFormat,
  codec: AudioCodec,
  decoderConfig: AudioDecoderConfig,
  packets: readonly EncodedPacket[],
): Promise<Uint8Array> {
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const source = new EncodedAudioPacketSource(codec);
  output.addAudioTrack(source);
  await output.start();
  for (const packet of packets) await source.add(packet, { decoderConfig });
  await output.finalize();
  return new Uint8Array(target.buffer ?? new ArrayBuffer());
}

/** What a file holds, as another program would find it. */
export interface Contents {
  codec: AudioCodec | null;
  tracks: number;
  packets: Uint8Array[];
  /** When the sound begins and ends. */
  start: number;
  end: number;
}

export async function contentsOf(file: Uint8Array): Promise<Contents> {
  using input = new Input({
    source: new BufferSource(file),
    formats: [MP4, QTFF, MATROSKA, WEBM, FLAC, OGG, WAVE, MP3],
  });
  const [track] = await input.getAudioTracks();
  if (track === undefined) throw new Error("The file has no sound");
  const packets: Uint8Array[] = [];
  const sink = new EncodedPacketSink(track);
  const first = await sink.getFirstPacket();
  for (let next = first; next !== null; next = await sink.getNextPacket(next)) {
    packets.push(next.data);
  }
  return {
    codec: await track.getCodec(),
    tracks: (await input.getTracks()).length,
    packets,
    start: first?.timestamp ?? 0,
    end: await track.computeDuration(),
  };
}
