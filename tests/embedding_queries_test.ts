/** Vectors in the database, on both kinds of storage: who makes them, which are nearest, and that both agree. */
import assert from "node:assert/strict";
import { createDatabase, type Database } from "../lib/db/database.ts";
import type { Extracted } from "../lib/library.ts";
import { packed } from "../lib/retrieval/vectors.ts";
import { embedText } from "./support/embedding.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./support/storage.ts";

const never = new AbortController().signal;
const MODEL = "fake/one";
const CLAIM = { model: MODEL, limit: 100, claimMs: 60_000 };
const TEXTS = [
  "The landlord may enter the flat after notice.",
  "No dog may be kept in the flat.",
  "Wages are due on the fifth day.",
  "A vehicle may stand in the yard.",
  "After a fire the lease may be cancelled.",
  "Holidays are granted in summer.",
];
const QUESTIONS = [
  "Are pets allowed?",
  "Когда зарплата?",
  "Where do I leave my car?",
  "yard summer",
];

type Run = Database["run"];

async function add(run: Run, userId: number, sha256: string, texts = TEXTS): Promise<number> {
  await run("touchUsers", { users: [{ userId, name: "Ada", language: "en" }] }, never);
  const passages = texts.map((text, ordinal) => ({
    ordinal,
    page: 1,
    heading: ["Lease"],
    text,
    tokens: 9,
    length: 9,
  }));
  const extracted: Extracted = {
    format: "text",
    unit: "part",
    pages: 1,
    tokens: 54,
    passages,
    postings: [],
    tables: [],
    files: [],
    unread: 0,
  };
  const added = { userId, sha256, name: `${sha256}.txt`, bytes: 9, extracted };
  return (await run("addDocument", added, never)).id;
}

/** Embeds all that is claimed; gives the texts. */
async function embedAll(run: Run, claim = CLAIM): Promise<string[]> {
  const all: string[] = [];
  while (true) {
    const claimed = await run("claimPassages", claim, never);
    if (claimed === undefined) return all;
    const { passages } = claimed;
    all.push(...passages.map(({ text }) => text));
    await run("keepVectors", { model: claim.model, passages, vectors: vectorsOf(passages) }, never);
  }
}

function vectorsOf(passages: readonly { text: string }[]): Int8Array[] {
  return passages.map(({ text }) => packed(Float32Array.from(embedText(text))));
}

const nearest = (run: Run, documentIds: readonly number[], question: string, model = MODEL) => {
  const vector = packed(Float32Array.from(embedText(question)));
  return run("nearestPassages", { userId: 1, documentIds, model, vector, limit: 10 }, never);
};

/** What each storage has found, for a comparison of the two. */
const rankings = new Map<string, unknown>();

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test({
    name: `vectors of passages (${kind})`,
    ignore: kind === "postgres" && missingServices !== undefined,
    async fn(t) {
      await using folder = await emptyFolder();
      await using services = kind === "postgres" ? await emptyDatabase() : undefined;
      const database = createDatabase({ url: services?.url, directory: folder.path });
      await database.connect();
      await database.migrate();
      const run: Run = (query, body, signal) => database.run(query, body, signal);
      const { sql } = database;
      try {
        await t.step(
          "the embedded database has pgvector; elsewhere the server decides",
          async () => {
            const [row] = await sql<{ type: string; has: boolean }[]>`
            select format_type(atttypid, null) as type, to_regtype('halfvec') is not null as has
            from pg_attribute where attrelid = 'embeddings'::regclass and attname = 'vector'`;
            assert.equal(row?.type, row?.has ? "halfvec" : "bytea");
            if (kind === "pglite") assert.equal(row?.has, true);
          },
        );

        const first = await add(run, 1, "first");

        await t.step("passages are handed out once, in batches, with their headings", async () => {
          assert.equal(await run("countUnembedded", { model: MODEL }, never), 1);
          const claim = await run("claimPassages", { ...CLAIM, limit: 4 }, never);
          assert.deepEqual(claim?.passages.map(({ ordinal }) => ordinal), [0, 1, 2, 3]);
          assert.deepEqual(claim?.passages[0]?.heading, ["Lease"]);
          assert.equal(claim?.userId, 1);
          assert.equal(await run("claimPassages", CLAIM, never), undefined, "another one has them");
          const passages = claim?.passages ?? [];
          await run("keepVectors", { model: MODEL, passages, vectors: vectorsOf(passages) }, never);
          assert.deepEqual(await embeddedOf(run, [first]), [], "two are missing");
          assert.deepEqual(await embedAll(run), TEXTS.slice(4));
          assert.deepEqual(await embeddedOf(run, [first]), [first]);
          assert.equal(await run("countUnembedded", { model: MODEL }, never), 0);
        });

        await t.step(
          "the nearest passages come first, and are the same on both storages",
          async () => {
            const [dog] = await nearest(run, [first], "Are pets allowed?");
            assert.equal(dog?.ordinal, 1);
            const [wages] = await nearest(run, [first], "Когда зарплата?");
            assert.equal(wages?.ordinal, 2);
            const found = [];
            for (const question of QUESTIONS) {
              const ranking = await nearest(run, [first], question);
              // One subtracts from 1 and back, the other does not.
              found.push(ranking.map((each) => ({ ...each, score: each.score.toFixed(12) })));
            }
            assert.ok(found.every((ranking) => ranking.length === TEXTS.length));
            rankings.set(kind, found);
          },
        );

        await t.step("nobody finds passages of somebody else", async () => {
          const vector = packed(Float32Array.from(embedText("pets")));
          const asked = { userId: 2, documentIds: [first], model: MODEL, vector, limit: 10 };
          assert.deepEqual(await run("nearestPassages", asked, never), []);
          const documents = { userId: 2, documentIds: [first], model: MODEL };
          assert.deepEqual(await run("embeddedDocuments", documents, never), []);
        });

        await t.step("the same content of another user takes its vectors over", async () => {
          const same = await add(run, 2, "first");
          assert.deepEqual(await embedAll(run), []);
          const documents = { userId: 2, documentIds: [same], model: MODEL };
          assert.deepEqual(await run("embeddedDocuments", documents, never), [same]);
          assert.equal(await countVectors(same), TEXTS.length);
        });

        await t.step("content that was cut otherwise is embedded for itself", async () => {
          const texts = [TEXTS[0] ?? "", "Another cut of the rest."];
          await add(run, 3, "first", texts);
          assert.deepEqual(await embedAll(run), texts.slice(1));
        });

        await t.step("many small documents share a batch", async () => {
          const ids = [];
          for (let n = 0; n < 5; n++) ids.push(await add(run, 1, `small ${n}`, [`Letter ${n}.`]));
          const claim = await run("claimPassages", CLAIM, never);
          assert.deepEqual(claim?.passages.map(({ documentId }) => documentId), ids);
          await run("releasePassages", { documentIds: ids, failed: false }, never);
          assert.equal((await embedAll(run)).length, 5);
        });

        await t.step(
          "what has failed waits, is tried alone, and does not hold up others",
          async () => {
            const bad = await add(run, 1, "bad", ["Poison."]);
            await run("claimPassages", CLAIM, never);
            await run("releasePassages", { documentIds: [bad], failed: true }, never);
            const good = await add(run, 1, "good", ["Bread."]);
            assert.deepEqual(await embedAll(run), ["Bread."]);
            assert.deepEqual(await embeddedOf(run, [bad, good]), [good]);
            await sql`update documents set embed_after = now() where id = ${bad}`;
            await add(run, 1, "later", ["Butter."]);
            await sql`update documents set embed_after = now() where sha256 = 'later'`;
            const claim = await run("claimPassages", CLAIM, never);
            assert.deepEqual(claim?.passages.map(({ text }) => text), ["Poison."]);
            await run("releasePassages", { documentIds: [bad], failed: false }, never);
            assert.deepEqual((await embedAll(run)).sort(), ["Butter.", "Poison."]);
          },
        );

        await t.step(
          "what a killed process had in hand is taken up when its claim has lapsed",
          async () => {
            await add(run, 1, "killed", ["Left behind."]);
            await run("claimPassages", { ...CLAIM, claimMs: 0 }, never);
            assert.deepEqual(await embedAll(run), ["Left behind."]);
          },
        );

        await t.step(
          "another model has all embedded anew, and compares with its own alone",
          async () => {
            const claim = { ...CLAIM, model: "fake/two" };
            assert.deepEqual(await nearest(run, [first], "pets", claim.model), []);
            const anew = await embedAll(run, claim);
            // Of the three users with one content, two copy what they have in common with the first.
            assert.equal(anew.length, await countPassages() - TEXTS.length - 1);
            assert.deepEqual(await nearest(run, [first], "pets"), []);
            assert.equal((await nearest(run, [first], "pets", claim.model)).length, TEXTS.length);
          },
        );

        await t.step("vectors of another length are passed over", async () => {
          const vector = new Int8Array(3).fill(1);
          const asked = { userId: 1, documentIds: [first], model: "fake/two", vector, limit: 10 };
          assert.deepEqual(await run("nearestPassages", asked, never), []);
        });

        await t.step(
          "with a document its vectors are gone, and a late batch leaves none",
          async () => {
            const doomed = await add(run, 1, "doomed", ["A secret."]);
            const claim = await run("claimPassages", CLAIM, never);
            const passages = claim?.passages.filter(({ documentId }) => documentId === doomed) ??
              [];
            assert.equal(passages.length, 1);
            for (const documentId of [doomed, first]) {
              await run("deleteDocument", { userId: 1, documentId }, never);
            }
            await run(
              "keepVectors",
              { model: MODEL, passages, vectors: vectorsOf(passages) },
              never,
            );
            assert.equal(await countVectors(doomed) + await countVectors(first), 0);
          },
        );
      } finally {
        await database.close();
      }

      async function countVectors(documentId: number): Promise<number> {
        const rows = await sql`select 1 from embeddings where document_id = ${documentId}`;
        return rows.length;
      }
      async function countPassages(): Promise<number> {
        return (await sql`select 1 from passages`).length;
      }
    },
  });
}

Deno.test({
  name: "both storages give the same ranking with the same scores",
  ignore: missingServices !== undefined,
  fn() {
    assert.deepEqual(rankings.get("postgres"), rankings.get("pglite"));
  },
});

function embeddedOf(run: Run, documentIds: readonly number[]): Promise<number[]> {
  return run("embeddedDocuments", { userId: 1, documentIds, model: MODEL }, never);
}
