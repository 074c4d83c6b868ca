/** Recordings: how they are told, cut into parts, and put together again with the right minutes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Audio, Segment, TranscribeReply } from "../lib/ai/provider.ts";
import { parseTranscript } from "../lib/ai/transcript.ts";
import { createDemuxer } from "../lib/audio/demuxer.ts";
import { asDocument, listen, minutesOf } from "../lib/audio/listen.ts";
import { splitMp3 } from "../lib/audio/mp3.ts";
import { checksumOf, splitOgg } from "../lib/audio/ogg.ts";
import type { Part } from "../lib/audio/parts.ts";
import { recordingFormat } from "../lib/audio/recording.ts";
import { splitWav } from "../lib/audio/wav.ts";
import type { DocumentRefusedError } from "../lib/library.ts";
import {
  marksIn,
  mp3,
  MP3_FRAME_SECONDS,
  mp3Numbers,
  ogg,
  oggPages,
  opus,
  PRE_SKIP,
  wav,
} from "./support/recordings.ts";

const NO_LIMIT = { maxBytes: Infinity, maxSeconds: Infinity };
const demux = createDemuxer({ memoryBytes: 200_000_000, timeoutMs: 30_000 });
const never = new AbortController().signal;
const letters = (text: string) => new TextEncoder().encode(text);

/** That each part begins where the one before it ends. */
function assertWithoutGaps(parts: readonly Part[], seconds: number): void {
  let end = 0;
  for (const part of parts) {
    assert.ok(Math.abs(part.start - end) < 1e-6, `a part begins at ${part.start}, not at ${end}`);
    end = part.start + (part.seconds ?? 0);
  }
  assert.ok(Math.abs(end - seconds) < 1e-6, `the last part ends at ${end}, not at ${seconds}`);
}

Deno.test("a recording is told by its content", () => {
  const ftyp = (brand: string) => letters(`\0\0\0\x18ftyp${brand}\0\0\0\0`);
  const told = [
    wav(1),
    mp3(2),
    mp3(2, { tag: false }),
    opus(1),
    letters("fLaC\0\0\0\x22"),
    ftyp("M4A "),
    ftyp("isom"),
    Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3),
  ].map((bytes) => recordingFormat(bytes)?.extension);
  assert.deepEqual(told, ["wav", "mp3", "mp3", "ogg", "flac", "m4a", "mp4", "webm"]);
});

Deno.test("what only looks like a recording is none", () => {
  const others = [
    new Uint8Array(),
    letters("%PDF-1.7"),
    letters("\0\0\0\x18ftypheic\0\0\0\0"),
    letters("RIFF\0\0\0\0WEBP"),
    // A text in UTF-16, whose mark has the bits of a frame of sound.
    Uint8Array.of(0xff, 0xfe, 0x41, 0x04, 0x31, 0x04),
    mp3(1, { tag: false, index: false }),
  ];
  for (const bytes of others) assert.equal(recordingFormat(bytes), undefined);
});

Deno.test("a WAV is cut into whole WAVs that together hold every sample", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 15 }),
      fc.integer({ min: 8_100, max: 200_000 }),
      (seconds, maxSeconds, maxBytes) => {
        const marks = Array.from({ length: seconds }, (_, at) => ({ at, value: at }));
        const whole = wav(seconds, marks);
        const parts = splitWav(whole, { maxSeconds, maxBytes }) ?? [];
        assertWithoutGaps(parts, seconds);
        const samples = parts.flatMap((part) => {
          const bytes = part.bytes();
          assert.ok(bytes.length <= maxBytes && (part.seconds ?? 0) <= maxSeconds);
          assert.equal(recordingFormat(bytes)?.extension, "wav");
          return [...bytes.subarray(44)];
        });
        assert.deepEqual(Uint8Array.from(samples), whole.subarray(44));
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("a WAV that was streamed, with no length in its head, is heard to its end", () => {
  const whole = wav(3);
  new DataView(whole.buffer).setUint32(40, 0xffff_ffff, true);
  assertWithoutGaps(splitWav(whole, NO_LIMIT) ?? [], 3);
});

Deno.test("an MP3 is cut between its frames, without its tag and its index", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 900 }),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      fc.boolean(),
      (frames, maxSeconds, tag, index) => {
        const parts = splitMp3(mp3(frames, { tag, index }), { maxSeconds, maxBytes: 120_000 }) ??
          [];
        assertWithoutGaps(parts, frames * MP3_FRAME_SECONDS);
        const numbers = parts.flatMap((part) => {
          assert.ok(part.bytes().length <= 120_000 && (part.seconds ?? 0) <= maxSeconds + 1e-6);
          return mp3Numbers(part.bytes());
        });
        assert.deepEqual(numbers, Array.from({ length: frames }, (_, n) => n));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("an MP3 goes on behind bytes that are no frame", () => {
  const two = mp3(2, { tag: false, index: false });
  const broken = Uint8Array.from([...two, ...letters("garbage"), ...two]);
  assertWithoutGaps(splitMp3(broken, NO_LIMIT) ?? [], 4 * MP3_FRAME_SECONDS);
});

Deno.test("the checksum of a page is that of the standard", () => {
  // CRC-32/CKSUM has 0x765e7680 for these digits, and inverts its result.
  assert.equal(checksumOf(letters("123456789")), ~0x765e7680 >>> 0);
});

Deno.test("an Opus recording is cut between its pages; each part is a file that begins at 0", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 90 }),
      (seconds, maxSeconds) => {
        const parts = splitOgg(opus(seconds), { maxSeconds, maxBytes: 1_000_000 }) ?? [];
        assertWithoutGaps(parts, seconds);
        let second = 0;
        for (const part of parts) {
          const [head, tags, ...sound] = oggPages(part.bytes());
          assert.match(new TextDecoder().decode(head?.packet), /^OpusHead/);
          assert.match(new TextDecoder().decode(tags?.packet), /^OpusTags/);
          assert.deepEqual([head?.flags, sound.at(-1)?.flags], [2, 4]);
          const skipped = part.start === 0 ? PRE_SKIP : 0;
          for (const [n, { position, packet }] of sound.entries()) {
            assert.equal((packet[0] ?? 0) + ((packet[1] ?? 0) << 8), second++);
            assert.equal(position, BigInt((n + 1) * 48_000 + skipped));
          }
        }
        assert.equal(second, seconds);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("a packet that goes over two pages is not torn apart", () => {
  const head = oggPages(opus(1)).slice(0, 2);
  const sound = [1, 2, 3, 4].map((n) => ({
    position: BigInt(n * 48_000),
    packet: Uint8Array.of(n),
    flags: n === 3 ? 1 : 0,
  }));
  const parts = splitOgg(ogg([...head, ...sound]), { maxSeconds: 2, maxBytes: 10_000 }) ?? [];
  const firsts = parts.map((part) => oggPages(part.bytes())[2]?.packet[0]);
  assert.deepEqual(firsts, [1, 4]);
});

Deno.test("a recording that was cut out of a broadcast begins at 0 all the same", () => {
  const hours = 30n * 3_600n * 48_000n;
  const pages = oggPages(opus(90)).map((page, n) =>
    n < 2 ? page : { ...page, position: page.position + hours }
  );
  const parts = splitOgg(ogg(pages), { maxSeconds: 60, maxBytes: 1_000_000 }) ?? [];
  // The first page's own length is not known.
  assertWithoutGaps(parts, 89);
});

Deno.test("an Ogg file of two streams is not cut", () => {
  const [head, tags, ...sound] = oggPages(opus(3));
  assert.ok(head && tags);
  const film = { ...head, serial: 8 };
  assert.equal(splitOgg(ogg([head, film, tags, ...sound]), NO_LIMIT), undefined);
});

Deno.test("whatever bytes come, cutting them ends, and loses itself in no part without a length", () => {
  const starts = [wav(1).subarray(0, 44), mp3(1).subarray(0, 600), opus(2).subarray(0, 90)];
  fc.assert(fc.property(
    fc.constantFrom(...starts),
    fc.uint8Array({ maxLength: 400 }),
    fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 }),
    (start, rest, changes) => {
      const bytes = Uint8Array.from([...start, ...rest]);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      for (const split of [splitWav, splitMp3, splitOgg]) {
        for (const part of split(bytes, { maxBytes: 300, maxSeconds: 10 }) ?? []) {
          assert.ok(Number.isFinite(part.start) && (part.seconds ?? 0) >= 0);
          assert.ok(part.bytes().length > 0);
        }
      }
    },
  ));
});

Deno.test("a transcript is read line by line", () => {
  assert.deepEqual(parseTranscript("[00:03] One.\n\n [02:59] Two: [x].\r\n[1:02:03] Three."), [
    { start: 3, text: "One." },
    { start: 179, text: "Two: [x]." },
    { start: 3_723, text: "Three." },
  ]);
  assert.deepEqual(parseTranscript("[no speech]"), []);
  assert.deepEqual(parseTranscript("[00:00] [No speech]"), []);
});

for (const wrong of ["Here is the transcript:\n[00:01] One.", "[00:75] One.", "[00:01]", "One."]) {
  Deno.test(`a transcript is not guessed at: ${JSON.stringify(wrong)}`, () => {
    assert.throws(() => parseTranscript(wrong), { name: "AIServiceError", retriable: true });
  });
}

/** What a listener hears who hears the marks. */
function heardIn({ bytes }: Audio): TranscribeReply {
  const segments = marksIn(bytes).map(({ at, value }) => ({ start: at, text: `mark ${value}` }));
  return { kind: "transcript", segments, promptTokens: 1, answerTokens: 1 };
}

Deno.test("a call of 40 minutes is heard in parts, and every minute is right", async () => {
  const marks = Array.from({ length: 40 }, (_, n) => ({ at: n * 60 + n, value: n + 1 }));
  const progress: string[] = [];
  const heard = await listen(wav(2_400, marks), {
    maxBytes: 2_000_000,
    demux,
    transcribe: (audio) => Promise.resolve(heardIn(audio)),
    onPart: (part, of) => void progress.push(`${part}/${of}`),
  }, never);
  const { unit, pages, passages } = asDocument(heard);
  assert.deepEqual([unit, pages], ["minute", 40]);
  assert.deepEqual(
    passages.map(({ page, text }) => `${page}: ${text}`),
    marks.map((_, n) => `${n + 1}: mark ${n + 1}`),
  );
  // 2 MB are 250 seconds.
  assert.deepEqual(progress, Array.from({ length: 10 }, (_, n) => `${n + 1}/10`));
});

Deno.test("a model's sense of time does not lead out of a part", async () => {
  const replies: Segment[][] = [
    [{ start: 290, text: "late" }, { start: 5, text: "back" }, { start: 9_000, text: "far" }],
    [{ start: 0, text: "second" }],
  ];
  const { segments } = await listen(wav(301), {
    maxBytes: Infinity,
    demux,
    transcribe: (_, ordinal) =>
      Promise.resolve({
        kind: "transcript",
        segments: replies[ordinal] ?? [],
        promptTokens: 0,
        answerTokens: 0,
      }),
    onPart: () => {},
  }, never);
  assert.deepEqual(minutesOf(segments).map(({ page, text }) => [page, text]), [
    [5, "late\nback\nfar"],
    [6, "second"],
  ]);
});

Deno.test("when one part cannot be heard the others are given up, and no more are begun", async () => {
  const given: number[] = [];
  let calls = 0;
  const hearing = listen(wav(3_000), {
    maxBytes: Infinity,
    demux,
    onPart: () => {},
    transcribe(_, ordinal, signal) {
      calls++;
      if (ordinal === 1) return Promise.resolve({ kind: "unheard", reason: "quota" });
      const { promise, reject } = Promise.withResolvers<TranscribeReply>();
      signal.addEventListener("abort", () => {
        given.push(ordinal);
        reject(signal.reason);
      });
      return promise;
    },
  }, never);
  await assert.rejects(hearing, { name: "DocumentRefusedError", reason: "unheard_quota" });
  assert.deepEqual([given, calls], [[0, 2], 3]);
});

const leap = oggPages(opus(3)).map((page, n) => n < 4 ? page : { ...page, position: 1n << 60n });

const refused: [what: string, bytes: Uint8Array, reason: DocumentRefusedError["reason"]][] = [
  ["a WAV without a sample", wav(0), "empty"],
  ["an Opus recording of headers alone", opus(0), "empty"],
  ["a text", letters("Hello"), "unsupported"],
  ["a recording without a word", wav(2), "speechless"],
  ["eight hours", opus(8 * 3_600), "too_long"],
  ["a recording that says it lasts for years", ogg(leap), "too_long"],
];
for (const [what, bytes, reason] of refused) {
  Deno.test(`${what} is refused as ${reason}`, async () => {
    const hearing = listen(bytes, {
      maxBytes: 1_000_000,
      demux,
      transcribe: (audio) =>
        Promise.resolve(
          heardIn(audio.mimeType === "audio/wav" ? audio : { ...audio, bytes: new Uint8Array() }),
        ),
      onPart: () => {},
    }, never);
    await assert.rejects(hearing, { name: "DocumentRefusedError", reason });
  });
}
