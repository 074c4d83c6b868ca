/**
 * Recordings in containers through the real sandbox: how their sound is taken
 * out and cut, and what files that are made to hurt come to. The files of
 * `files/` were made by ffmpeg.
 */
import assert from "node:assert/strict";
import type { Audio, TranscribeReply } from "../lib/ai/provider.ts";
import { createDemuxer } from "../lib/audio/demuxer.ts";
import { listen } from "../lib/audio/listen.ts";
import type { PartLimits } from "../lib/audio/parts.ts";
import { concatenated } from "../lib/audio/parts.ts";
import { recordingFormat, type Sound } from "../lib/audio/recording.ts";
import type { DocumentRefusedError } from "../lib/library.ts";
import { contentsOf, mp4, numbersIn, PACKET_SECONDS, webm } from "./support/containers.ts";

const never = new AbortController().signal;
const NO_LIMIT = { maxBytes: Infinity, maxSeconds: 300 };
const TIMEOUT_MS = 30_000;
const demux = createDemuxer({ memoryBytes: 200_000_000, timeoutMs: TIMEOUT_MS });

const genuine = (name: string) => Deno.readFile(new URL(`files/${name}`, import.meta.url));

async function cut(bytes: Uint8Array, limits: PartLimits): Promise<Sound> {
  const sound = await demux(bytes, limits, never);
  assert.ok(sound, "its codec is carried");
  return sound;
}

/** That each part begins where the one before it ends, but for the rounding of a container. */
function assertWithoutGaps({ parts }: Sound, seconds: number, from = 0): void {
  let end = from;
  for (const part of parts) {
    assert.ok(Math.abs(part.start - end) < 0.002, `a part begins at ${part.start}, not at ${end}`);
    end = part.start + (part.seconds ?? 0);
  }
  // An encoder may fill its last packet up.
  assert.ok(end > seconds - 0.1 && end < seconds + 0.2, `it ends at ${end}, not at ${seconds}`);
}

/** The bytes of a frame behind its head, and before its checksum: all numbers here have one byte. */
const soundOfFrame = (frame: Uint8Array) => frame.subarray(8, -2);

const containers: [name: string, type: string, codec: string, seconds: number][] = [
  ["tone.m4a", "audio/mp4", "aac", 4],
  ["tone.mp4", "audio/mp4", "aac", 4],
  ["tone.mov", "audio/wav", "pcm-s16", 1],
  ["tone.webm", "audio/ogg", "opus", 4],
  ["tone_vorbis.webm", "audio/ogg", "vorbis", 4],
  ["tone.mkv", "audio/mp3", "mp3", 4],
  ["tone.flac", "audio/flac", "flac", 2],
];
for (const [name, type, codec, seconds] of containers) {
  Deno.test(`${name} is cut into whole files that together hold each packet once`, async () => {
    const file = await genuine(name);
    const whole = await contentsOf(file);
    const maxSeconds = seconds / 3;
    const sound = await cut(file, { maxSeconds, maxBytes: 1_000_000 });
    assert.equal(sound.mimeType, type);
    assert.ok(sound.parts.length >= 3 && sound.parts.length <= 5, `${sound.parts.length} parts`);
    assertWithoutGaps(sound, seconds);
    const packets: Uint8Array[] = [];
    for (const part of sound.parts) {
      const contents = await contentsOf(part.bytes());
      assert.deepEqual([contents.codec, contents.tracks], [codec, 1]);
      assert.ok((part.seconds ?? 0) <= maxSeconds + 1e-6);
      assert.ok(Math.abs(contents.start) < 0.07, `its own time begins at ${contents.start}`);
      const length = contents.end - contents.start;
      // An encoder puts a packet before the beginning.
      assert.ok(
        Math.abs(length - (part.seconds ?? 0)) < 0.14,
        `${length} s, not ${part.seconds} s`,
      );
      packets.push(...contents.packets);
    }
    if (codec === "pcm-s16") {
      // Of the Mac's byte order.
      const swapped = concatenated(whole.packets);
      for (let at = 0; at < swapped.length; at += 2) swapped.subarray(at, at + 2).reverse();
      assert.deepEqual(concatenated(packets), swapped);
    } else if (codec === "flac") {
      assert.deepEqual(packets.map(soundOfFrame), whole.packets.map(soundOfFrame));
    } else assert.deepEqual(packets, whole.packets);
  });
}

Deno.test("frames of FLAC are numbered anew, with their checksums, and not otherwise changed", async () => {
  const file = await genuine("tone.flac");
  const whole = await contentsOf(file);
  const { parts } = await cut(file, { maxSeconds: 1, maxBytes: 1_000_000 });
  const [first = [], second = []] = await Promise.all(
    parts.map(async (part) => (await contentsOf(part.bytes())).packets),
  );
  // The first ones have the numbers that they had, so that even their checksums are the same.
  assert.ok(first.length > 1);
  assert.deepEqual(first, whole.packets.slice(0, first.length));
  assert.deepEqual([second[0]?.[4], second[1]?.[4]], [0, 1]);
});

Deno.test("a film's sound alone is heard", async () => {
  const film = await mp4(700, { pictures: true });
  assert.equal(recordingFormat(film)?.mimeType, "video/mp4");
  const sound = await cut(film, NO_LIMIT);
  assertWithoutGaps(sound, 700);
  assert.equal(sound.parts.length, 3);
  const files = sound.parts.map((part) => part.bytes());
  assert.ok(concatenated(files).length * 5 < film.length);
  assert.deepEqual(
    files.flatMap(numbersIn),
    Array.from({ length: Math.ceil(700 / PACKET_SECONDS) }, (_, n) => n),
  );
});

Deno.test("a part is no larger than a request may be", async () => {
  const sound = await cut(await mp4(300), { maxBytes: 10_000, maxSeconds: 300 });
  assert.ok(sound.parts.length > 3);
  for (const part of sound.parts) assert.ok(part.bytes().length <= 10_000);
  assertWithoutGaps(sound, 300);
});

Deno.test("sound that begins later than its film has the film's times", async () => {
  const sound = await cut(await mp4(400, { pictures: true, from: 90 }), NO_LIMIT);
  assertWithoutGaps(sound, 490, 90);
});

Deno.test("silence that a container leaves out does not shift what follows", async () => {
  const ticks = (from: number) => Array.from({ length: 100 }, (_, n) => from + n * 0.02);
  const { parts } = await cut(await webm([...ticks(0), ...ticks(61), ...ticks(125)]), NO_LIMIT);
  assert.deepEqual(parts.map(({ start }) => Math.round(start)), [0, 61, 125]);
  assert.deepEqual(parts.map(({ seconds = 0 }) => Math.round(seconds)), [2, 2, 2]);
});

Deno.test("many short silences do not add up", async () => {
  // As a sender that is silent most of the time: 20 ms in 400.
  const moments = Array.from({ length: 300 }, (_, n) => n * 0.4);
  const { parts } = await cut(await webm(moments), NO_LIMIT);
  for (const { start, seconds = 0 } of parts) assert.ok(start + seconds <= 120 && seconds < 6);
  assert.ok(parts.length > 15);
});

Deno.test("a file of which the end is missing is heard up to there", async () => {
  const moments = Array.from({ length: 2_000 }, (_, n) => n * 0.02);
  const files: [file: Uint8Array, seconds: number][] = [
    [await mp4(40), 40],
    [await webm(moments), 40],
    [await genuine("tone.flac"), 2],
  ];
  for (const [file, seconds] of files) {
    const { parts: [part] } = await cut(file.subarray(0, file.length * 0.8), NO_LIMIT);
    const share = (part?.seconds ?? 0) / seconds;
    assert.ok(share > 0.5 && share < 0.95, `${share} of it`);
  }
});

/** Hears a file whole; says what was sent. */
async function heard(bytes: Uint8Array, maxBytes = 1_000_000): Promise<Audio[]> {
  const sent: Audio[] = [];
  await listen(bytes, {
    maxBytes,
    demux,
    onPart: () => {},
    transcribe(audio): Promise<TranscribeReply> {
      sent.push(audio);
      const segments = [{ start: 0, text: "a tone" }];
      return Promise.resolve({ kind: "transcript", segments, promptTokens: 0, answerTokens: 0 });
    },
  }, never);
  return sent;
}

Deno.test("a codec that cannot be cut is heard whole while it fits into a request", async () => {
  const file = await genuine("tone_alac.m4a");
  const [audio, ...more] = await heard(file);
  assert.deepEqual([audio?.mimeType, audio?.bytes, more], ["audio/mp4", file, []]);
  const hearing = heard(file, file.length - 1);
  await assert.rejects(hearing, { name: "DocumentRefusedError", reason: "uncuttable" });
});

/** A copy with a number of 32 bits behind the first `tag` changed. */
function changed(file: Uint8Array, tag: string, ...values: [at: number, value: number][]) {
  const copy = file.slice();
  const begin = new TextDecoder("latin1").decode(file).indexOf(tag);
  assert.ok(begin > 0);
  const view = new DataView(copy.buffer);
  for (const [at, value] of values) view.setUint32(begin + 4 + at, value);
  return copy;
}

const BILLIONS = 0xffff_ffff;
const noise = Uint8Array.from({ length: 100_000 }, (_, n) => (n * n * 2_654_435_761) >>> 13);
const ftyp = new TextEncoder().encode("\0\0\0\x18ftypisom\0\0\0\0isommp42");
const [m4a, flac, matroska] = await Promise.all(
  ["tone.m4a", "tone.flac", "tone.webm"].map(genuine),
);
assert.ok(m4a && flac && matroska);

const hostile: [what: string, bytes: Uint8Array, reason: DocumentRefusedError["reason"]][] = [
  ["an MP4 without a table, as its end is missing", m4a.subarray(0, 2_000), "damaged"],
  ["an MP4 of its first box alone", ftyp, "damaged"],
  ["an MP4 of garbage behind its first box", concatenated([ftyp, noise]), "damaged"],
  ["a table that announces billions of durations", changed(m4a, "stts", [4, BILLIONS]), "damaged"],
  ["a table that announces billions of sizes", changed(m4a, "stsz", [8, BILLIONS]), "damaged"],
  ["a table that announces billions of chunks", changed(m4a, "stco", [4, BILLIONS]), "damaged"],
  ["packets that are larger than the file", changed(m4a, "stsz", [4, 0x7fff_ffff]), "empty"],
  [
    "billions of packets that last for years",
    changed(m4a, "stts", [4, 1], [8, BILLIONS], [12, BILLIONS]),
    "too_long",
  ],
  ["a film without a sound", await genuine("mute.mp4"), "speechless"],
  ["a Matroska file of its mark alone", matroska.subarray(0, 4), "damaged"],
  ["a FLAC file of its mark alone", flac.subarray(0, 4), "damaged"],
  ["a FLAC file of garbage", concatenated([flac.subarray(0, 42), noise]), "damaged"],
];
for (const [what, bytes, reason] of hostile) {
  Deno.test(`${what} is refused as ${reason}`, async () => {
    const begun = performance.now();
    await assert.rejects(heard(bytes), (error: DocumentRefusedError) => {
      assert.deepEqual([error.name, error.reason], ["DocumentRefusedError", reason], error.stack);
      return true;
    });
    assert.ok(performance.now() - begun < TIMEOUT_MS);
  });
}

/** What the library reads without end: garbage where the tracks should be. */
const stuck = concatenated([matroska.subarray(0, 300), noise.subarray(0, 1_000)]);

Deno.test("a file that takes without end is given up, while another one is heard", async () => {
  const impatient = createDemuxer({ memoryBytes: 200_000_000, timeoutMs: 3_000 });
  await Promise.all([
    assert.rejects(impatient(stuck, NO_LIMIT, never), { reason: "too_slow" }),
    impatient(await genuine("tone.webm"), NO_LIMIT, never).then((sound) => assert.ok(sound)),
  ]);
});

Deno.test("whoever gives up ends the process at once, also before it has begun", async () => {
  const begun = performance.now();
  await assert.rejects(demux(stuck, NO_LIMIT, AbortSignal.timeout(700)), { name: "TimeoutError" });
  const sender = new AbortController();
  const cutting = demux(stuck, NO_LIMIT, sender.signal);
  sender.abort(new Error("gone"));
  await assert.rejects(cutting, { message: "gone" });
  assert.ok(performance.now() - begun < TIMEOUT_MS / 2);
});
