/** From a text to its passages and terms, and from a question to the passages it needs. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Section } from "../lib/library.ts";
import { rank } from "../lib/retrieval/bm25.ts";
import { choose } from "../lib/retrieval/choose.ts";
import { tokensNeeded } from "../lib/retrieval/enough.ts";
import { indexSections } from "../lib/retrieval/index.ts";
import { shareWithNeighbours } from "../lib/retrieval/neighbours.ts";
import { search, type SearchPorts } from "../lib/retrieval/search.ts";
import { cutSections } from "../lib/retrieval/passages.ts";
import { normalNumber, termsOf } from "../lib/retrieval/terms.ts";
import { estimateTokens } from "../lib/retrieval/tokens.ts";
import { portsOver } from "./support/ports.ts";

const words = (text: string) => text.split(/\s+/).filter(Boolean);
const section = (text: string, page = 1): Section => ({ page, heading: [], text });

Deno.test("a cut loses and repeats no word, and mixes no pages", () => {
  const page = fc.array(fc.lorem({ maxCount: 120 }), { maxLength: 12 }).map((all) =>
    all.join("\n")
  );
  fc.assert(fc.property(fc.array(page, { maxLength: 6 }), (pages) => {
    const cuts = cutSections(pages.map((text, n) => section(text, n + 1)));
    for (const [n, text] of pages.entries()) {
      const ofPage = cuts.filter((cut) => cut.page === n + 1).map((cut) => cut.text).join("\n");
      assert.deepEqual(words(ofPage), words(text));
    }
    assert.ok(cuts.every(({ text }) => words(text).length < 250));
  }));
});

Deno.test("a number is the same however it is written", () => {
  const forms = ["1 234,50", "1,234.50", "1234.5", "1'234.50", "1.234,50", "1\u00a0234,5"];
  assert.deepEqual(new Set(forms.map(normalNumber)), new Set(["1234.5"]));
  assert.deepEqual(forms.map((form) => termsOf(form)), forms.map(() => ["1234.5"]));
  assert.deepEqual(termsOf("48 500 рублей"), ["48500", "рубл"]);
  assert.deepEqual(["0,1", "007", "12"].map(normalNumber), ["0.1", "007", "12"]);
});

Deno.test("any whole number is found in groups and without", () => {
  fc.assert(fc.property(fc.nat({ max: 1e12 }), (number) => {
    const plain = String(number);
    for (const group of [",", " ", "\u202f"]) {
      const grouped = plain.replace(/\B(?=(\d{3})+$)/g, group);
      assert.deepEqual(termsOf(grouped), [plain]);
    }
  }));
});

Deno.test("forms of a word are one term, in both languages", () => {
  const same = (...forms: string[]) => new Set(forms.flatMap((form) => termsOf(form))).size === 1;
  assert.ok(same("договор", "договором", "договоры", "Договора"));
  assert.ok(same("agreement", "agreements", "Agreements"));
  assert.ok(same("ёлка", "елка", "ЁЛКИ"));
  assert.ok(!same("договор", "agreement"));
});

Deno.test("an identifier is found whole and by its parts", () => {
  assert.deepEqual(termsOf("AB-12/3"), ["ab-12/3", "ab", "12", "3"]);
});

Deno.test("words that stand everywhere are no terms", () => {
  assert.deepEqual(termsOf("What is the sum of it, и что это?"), ["sum"]);
});

Deno.test("a year is the same however a report names it", () => {
  const forms = ["2022", "FY2022", "FY22", "FY'22", "FY 2022", "2022г.", "2022 г"].map((form) =>
    termsOf(form).filter((term) => term !== "г")
  );
  assert.deepEqual(forms, forms.map(() => ["2022"]));
});

Deno.test("the ending of a possessive is no term", () => {
  assert.deepEqual(termsOf("the keeper's lamp"), termsOf("the keeper lamp"));
  assert.deepEqual(termsOf("It isn’t lit"), ["lit"]);
});

Deno.test("Cyrillic counts more tokens than Latin of the same length", () => {
  assert.ok(estimateTokens("договор ".repeat(100)) > estimateTokens("contract ".repeat(100)));
  assert.equal(estimateTokens(""), 0);
});

Deno.test("a passage is found by its text and by the headings above it", () => {
  const { passages, postings } = indexSections([
    { page: 1, heading: ["Liability"], text: "The amount is capped." },
    { page: 2, heading: [], text: "The amount is paid, and paid again." },
  ]);
  assert.deepEqual(postings.find(({ term }) => term === "liabil"), {
    term: "liabil",
    ordinals: [0],
    counts: [1],
  });
  assert.deepEqual(postings.find(({ term }) => term === "paid")?.counts, [2]);
  assert.deepEqual(passages.map(({ ordinal, page }) => [ordinal, page]), [[0, 1], [1, 2]]);
});

Deno.test("rank follows the formula", () => {
  const documents = [{ id: 1, lengths: [2, 4] }];
  const [only] = rank(documents, [{ documentId: 1, term: "x", ordinals: [0], counts: [1] }]);
  const rarity = Math.log(1 + (2 - 1 + 0.5) / (1 + 0.5));
  const norm = 1.2 * (1 - 0.75 + 0.75 * 2 / 3);
  assert.ok(only && Math.abs(only.score - rarity * 2.2 / (1 + norm)) < 1e-12);
});

Deno.test("added terms rank, and together weigh no more than the question's own", () => {
  const documents = [{ id: 1, lengths: [10, 10, 10, 10] }];
  const at = (term: string, ordinal: number) => ({
    documentId: 1,
    term,
    ordinals: [ordinal],
    counts: [1],
  });
  const postings = [at("own", 0), ...["a", "b", "c"].map((term) => at(term, 1))];
  const added = new Set(["a", "b", "c"]);
  assert.equal(rank(documents, postings)[0]?.ordinal, 1);
  const [first, second] = rank(documents, postings, added);
  assert.ok(first && second && Math.abs(first.score - second.score) < 1e-12);
  assert.equal(rank(documents, postings.slice(1), added)[0]?.ordinal, 1);
});

Deno.test("rarer terms and more of them weigh more, and length weighs against", () => {
  const documents = [{ id: 1, lengths: [10, 10, 10, 30] }];
  const ranked = rank(documents, [
    { documentId: 1, term: "common", ordinals: [0, 1, 2, 3], counts: [1, 1, 1, 1] },
    { documentId: 1, term: "rare", ordinals: [1], counts: [1] },
  ]);
  assert.equal(ranked[0]?.ordinal, 1);
  assert.equal(ranked.at(-1)?.ordinal, 3);
});

Deno.test("a passage gains by its better neighbour, and joins where it held no term", () => {
  const documents = [{ id: 1, lengths: [9, 9, 9, 9] }, { id: 2, lengths: [9] }];
  const at = (documentId: number, ordinal: number, score: number) => ({
    documentId,
    ordinal,
    score,
  });
  const shared = shareWithNeighbours([at(1, 1, 10), at(2, 0, 5), at(1, 2, 1)], documents);
  assert.deepEqual(shared, [at(1, 1, 10.4), at(1, 2, 5), at(2, 0, 5), at(1, 0, 4), at(1, 3, 0.4)]);
});

Deno.test("a choice stays within its budget, and takes what fits best", () => {
  const documents = [{ id: 1, passageTokens: [60, 50, 40] }];
  const ranked = [2, 0, 1].map((ordinal, n) => ({ documentId: 1, ordinal, score: 3 - n }));
  assert.deepEqual(choose(ranked, documents, 100).map(({ ordinal }) => ordinal), [2, 0]);
  assert.deepEqual(choose(ranked, documents, 95).map(({ ordinal }) => ordinal), [2, 1]);
  assert.deepEqual(choose(ranked, documents, 10), []);
});

Deno.test("passages far behind the best are not sent, but the best few thousand tokens are", () => {
  const documents = [{ id: 1, passageTokens: [5_000, 5_000, 5_000, 5_000] }];
  const needed = (...scores: number[]) =>
    tokensNeeded(
      scores.map((score, ordinal) => ({ documentId: 1, ordinal, score })),
      documents,
      18_000,
    );
  assert.equal(needed(10, 9, 1), 10_000);
  assert.equal(needed(10, 9, 8, 7), 18_000);
  assert.equal(needed(), 18_000);
  const short = [{ id: 1, passageTokens: [100, 7_000] }];
  assert.equal(tokensNeeded([{ documentId: 1, ordinal: 0, score: 1 }], short, 5_000), 5_000);
  const small = [{ id: 1, passageTokens: [100, 9_000] }];
  assert.equal(tokensNeeded([{ documentId: 1, ordinal: 0, score: 1 }], small, 18_000), 4_000);
});

Deno.test("documents that fit whole are taken whole, the best first", () => {
  const documents = [{ id: 1, passageTokens: [10, 10, 10] }];
  const ranked = [{ documentId: 1, ordinal: 2, score: 1 }];
  assert.deepEqual(choose(ranked, documents, 30).map(({ ordinal }) => ordinal), [2, 0, 1]);
});

Deno.test("a choice never exceeds its budget, whatever it is given", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 300 })),
      fc.nat({ max: 2_000 }),
      (sizes, budget) => {
        const documents = [{ id: 1, passageTokens: sizes }];
        const ranked = sizes.map((_, ordinal) => ({ documentId: 1, ordinal, score: 1 }));
        const chosen = choose(ranked, documents, budget);
        const total = chosen.reduce((sum, { ordinal }) => sum + (sizes[ordinal] ?? 0), 0);
        assert.ok(total <= budget);
        assert.equal(new Set(chosen.map(({ ordinal }) => ordinal)).size, chosen.length);
      },
    ),
  );
});

Deno.test("a question of the other language finds by dictionary and by a name's spelling", async () => {
  const documents = [
    ["Rent is paid on the fifth day of each month.", "The landlord is Rosa Lindqvist."],
    ["Арендатор вправе расторгнуть договор.", "Проверку ведёт господин Смирнов."],
  ];
  const best = async (document: readonly string[] | undefined, question: string) => {
    const found = await search(portsOf(document ?? []), { ...ASKED, question });
    return { foreign: found.foreign, text: found.passages[0]?.text };
  };
  const [english, russian] = documents;
  assert.deepEqual(await best(english, "Какого числа платится арендная плата?"), {
    foreign: true,
    text: english?.[0],
  });
  assert.equal((await best(english, "Кто такая Роса?")).text, english?.[1]);
  assert.equal((await best(russian, "May the tenant terminate?")).text, russian?.[0]);
  assert.equal((await best(russian, "What does Smirnov do?")).text, russian?.[1]);
  assert.equal((await best(english, "On which day of the month is rent paid?")).foreign, false);
});

Deno.test("few tokens go out where one passage stands clear, and all where none does", async () => {
  const filler = Array.from({ length: 200 }, (_, n) => `Lamp number ${n} burns oil. `.repeat(25));
  const ports = portsOf([...filler, "The keeper's pension is 412 crowns a year."]);
  const tokensFor = async (question: string) => {
    const { passages } = await search(ports, { ...ASKED, question });
    return passages.reduce((sum, { tokens }) => sum + tokens, 0);
  };
  assert.ok(await tokensFor("What is the keeper's pension?") <= 4_000);
  assert.ok(await tokensFor("Which lamp did the storm of March break?") > 15_000);
});

const ASKED = { userId: 1, documentIds: [1], budget: 25_000 };

/** A library of one document, each text a passage. */
function portsOf(texts: readonly string[]): SearchPorts {
  return portsOver(indexSections(texts.map((text, n) => section(text, n + 1))));
}
