/** Search by meaning, its parts: vectors, fusion of two rankings, and what a search makes of them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { EmbedReply } from "../lib/ai/provider.ts";
import { fuse, type Meaning } from "../lib/retrieval/fusion.ts";
import { indexSections } from "../lib/retrieval/index.ts";
import { type MeaningPorts, rankByMeaning } from "../lib/retrieval/meaning.ts";
import { search, type SearchPorts } from "../lib/retrieval/search.ts";
import { cosine, fromBase64, packed, toBase64 } from "../lib/retrieval/vectors.ts";
import { portsOver } from "./support/ports.ts";

const passage = (ordinal: number, documentId = 1) => ({ documentId, ordinal, score: 1 });
const keys = (passages: readonly { documentId: number; ordinal: number }[]) =>
  passages.map(({ documentId, ordinal }) => `${documentId}:${ordinal}`);

Deno.test("of two rankings the passage that is high in both is the best", () => {
  const words = [1, 2, 3].map((n) => passage(n));
  const ranked = [4, 2, 5].map((n) => passage(n));
  const fused = fuse(words, { ranked, documentIds: new Set([1]) });
  assert.deepEqual(keys(fused), ["1:2", "1:1", "1:4", "1:3", "1:5"]);
  assert.equal(fused[0]?.score, 1 / 62 + 1 / 62);
});

Deno.test("a passage without a vector is not put behind for what is not known of it", () => {
  const words = [passage(1, 2), passage(1, 1), passage(2, 1)];
  const ranked = [passage(1, 1), passage(2, 1)];
  const fused = fuse(words, { ranked, documentIds: new Set([1]) });
  // The first by words stays level with what is first in both.
  assert.deepEqual(keys(fused), ["2:1", "1:1", "1:2"]);
  assert.equal(fused[0]?.score, 2 / 61);
});

Deno.test("where no document has vectors, the fused ranking is that by words", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(9)), { selector: String }),
    (places) => {
      const words = places.map(([documentId, ordinal]) => passage(ordinal, documentId));
      const fused = fuse(words, { ranked: [], documentIds: new Set() });
      assert.deepEqual(keys(fused), keys(words));
    },
  ));
});

Deno.test("fusion loses nothing and invents nothing, and its scores only fall", () => {
  const places = fc.uniqueArray(fc.nat(30));
  fc.assert(fc.property(places, places, (byWords, byMeaning) => {
    const words = byWords.map((n) => passage(n));
    const ranked = byMeaning.map((n) => passage(n));
    const fused = fuse(words, { ranked, documentIds: new Set([1]) });
    assert.deepEqual(
      fused.map(({ ordinal }) => ordinal).sort(),
      [...new Set([...byWords, ...byMeaning])].sort(),
    );
    assert.ok(fused.every(({ score }, n) => score <= (fused[n - 1]?.score ?? 1) && score > 0));
  }));
});

Deno.test("a packed vector keeps its direction, and comes back from text as it was", () => {
  const parts = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: 64,
    maxLength: 128,
  });
  fc.assert(fc.property(parts, parts, (one, other) => {
    const length = Math.min(one.length, other.length);
    const [a, b] = [one, other].map((all) => Float32Array.from(all.slice(0, length)));
    if (a === undefined || b === undefined) return;
    const bytes = packed(a);
    assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
    const exact = exactCosine(a, b);
    fc.pre(Number.isFinite(exact));
    assert.ok(Math.abs(cosine(bytes, packed(b)) - exact) < 0.05);
  }));
});

Deno.test("a vector without any direction is near to nothing", () => {
  assert.equal(cosine(packed(new Float32Array(4)), packed(Float32Array.of(1, 2, 3, 4))), 0);
});

/** Ports that journal what they are asked. */
function ports(reply: () => Promise<EmbedReply>, embedded = [1]) {
  const journal: string[] = [];
  const cache = new Map<string, string>();
  const all: MeaningPorts = {
    embeddedDocuments: () => Promise.resolve(embedded),
    nearestPassages: ({ vector, limit }) => {
      journal.push(`nearest to ${vector} of ${limit}`);
      return Promise.resolve([passage(7)]);
    },
    embedQuestion: (_, question) => {
      journal.push(`embed ${question}`);
      return reply();
    },
    readCache: (key) => Promise.resolve(cache.get(key)),
    keepInCache: (key, value) => Promise.resolve(void cache.set(key, value)),
  };
  return { all, journal };
}

const ASKED = { userId: 1, documentIds: [1, 2], question: "Why?" };
const vectors = () =>
  Promise.resolve<EmbedReply>({ kind: "vectors", vectors: [Float32Array.of(0.5, -1)] });

Deno.test("the same question to the same model is embedded once", async () => {
  const { all, journal } = ports(vectors);
  const first = await rankByMeaning(all, "m", ASKED);
  assert.deepEqual(first?.ranked, [passage(7)]);
  assert.deepEqual([...first?.documentIds ?? []], [1]);
  assert.deepEqual(await rankByMeaning(all, "m", { ...ASKED, userId: 2 }), first);
  assert.deepEqual(journal, [
    "embed Why?",
    "nearest to 64,-127 of 200",
    "nearest to 64,-127 of 200",
  ]);
  await rankByMeaning(all, "another", ASKED);
  assert.equal(journal[3], "embed Why?");
});

Deno.test("a question about documents without vectors is not embedded", async () => {
  const { all, journal } = ports(vectors, []);
  assert.equal(await rankByMeaning(all, "m", ASKED), undefined);
  assert.deepEqual(journal, []);
});

Deno.test("a question that is not embedded is searched by its words, whatever the reason", async () => {
  const none = ports(() => Promise.resolve({ kind: "none", reason: "timeout" }));
  assert.equal(await rankByMeaning(none.all, "m", ASKED), undefined);
  const broken = ports(() => Promise.reject(new Error("the actor is down")));
  assert.equal(await rankByMeaning(broken.all, "m", ASKED), undefined);
});

/** A library of three passages, the first of which says in other words what is asked. */
function searchPorts(meaning: Meaning | undefined): SearchPorts {
  const filler = "The lamp burns oil. ".repeat(250);
  const texts = ["No hound may be kept.", `Pets: see elsewhere. ${filler}`, filler.repeat(8)];
  const postings = [
    { documentId: 1, term: "pet", ordinals: [1, 2], counts: [1, 1] },
    { documentId: 1, term: "yard", ordinals: [1], counts: [1] },
  ];
  const tokens = [10, 1_000, 8_000];
  return {
    rankByMeaning: () => Promise.resolve(meaning),
    findPostings: ({ terms }) =>
      Promise.resolve({
        documents: [{
          id: 1,
          name: "a.txt",
          format: "text",
          unit: "part" as const,
          pages: 3,
          tokens: 9_010,
          bytes: 1,
          sha256: "",
          lengths: [4, 1_000, 8_000],
          passageTokens: tokens,
        }],
        postings: postings.filter(({ term }) => terms.includes(term)),
      }),
    readPassages: ({ ordinals }) =>
      Promise.resolve(ordinals.map((ordinal) => ({
        documentId: 1,
        ordinal,
        page: 1,
        heading: [],
        text: texts[ordinal] ?? "",
      }))),
  };
}

Deno.test("a search gives what is found by meaning, and then takes no question for a foreign one", async () => {
  const request = { userId: 1, documentIds: [1], question: "Собаки запрещены?", budget: 2_000 };
  const byWords = await search(searchPorts(undefined), request);
  assert.deepEqual(byWords, { passages: [], foreign: true });
  const meaning = { ranked: [passage(0), passage(1)], documentIds: new Set([1]) };
  const both = await search(searchPorts(meaning), request);
  assert.deepEqual(both.passages.map(({ ordinal }) => ordinal), [0, 1]);
  assert.equal(both.foreign, false);
  const ofOthers = { ranked: [passage(0)], documentIds: new Set<number>() };
  assert.equal((await search(searchPorts(ofOthers), request)).foreign, true);
});

Deno.test("where words and meaning disagree on the best passage, twice as many tokens go out", async () => {
  const lamps = Array.from({ length: 200 }, (_, n) => `Lamp number ${n} burns oil. `.repeat(25));
  const texts = [...lamps, "The keeper's pension is 412 crowns a year."];
  const ports = portsOver(indexSections(texts.map((text) => ({ page: 1, heading: [], text }))));
  const last = texts.length - 1;
  const tokensFor = async (nearest: readonly number[]) => {
    const ranked = [...nearest, ...lamps.keys()].map((n) => passage(n));
    const meaning = { ranked, documentIds: new Set([1]) };
    const { passages } = await search(
      { ...ports, rankByMeaning: () => Promise.resolve(meaning) },
      { userId: 1, documentIds: [1], question: "What is the keeper's pension?", budget: 25_000 },
    );
    return passages.reduce((sum, { tokens }) => sum + tokens, 0);
  };
  assert.ok(await tokensFor([last]) <= 4_000);
  const tokens = await tokensFor([0, last]);
  assert.ok(4_000 < tokens && tokens <= 8_000, `${tokens}`);
});

function exactCosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, part, n) => sum + part * (y[n] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
