/** The database on both kinds of storage: migrations, transactions, ownership, loss and return. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { createDatabase, type Database, isConnectionLost } from "../lib/db/database.ts";
import { openEmbedded } from "../lib/db/embedded.ts";
import type { Extracted } from "../lib/library.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./support/storage.ts";

const never = new AbortController().signal;
const extracted: Extracted = {
  tables: [],
  files: [],
  unread: 0,
  format: "text",
  unit: "part",
  pages: 2,
  tokens: 20,
  passages: [
    { ordinal: 0, page: 1, heading: ["One", "Sub"], text: "the first", tokens: 8, length: 1 },
    { ordinal: 1, page: 2, heading: [], text: "the 'second' \\ passage", tokens: 12, length: 2 },
  ],
  postings: [
    { term: "first", ordinals: [0], counts: [1] },
    { term: "passag", ordinals: [1], counts: [3] },
  ],
};

async function addDocument(database: Database, userId: number, sha256: string) {
  await database.run("touchUsers", { users: [{ userId, name: "Ada", language: "en" }] }, never);
  const added = { userId, sha256, name: "a.txt", bytes: 9, extracted };
  return await database.run("addDocument", added, never);
}

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test({
    name: `database (${kind})`,
    ignore: kind === "postgres" && missingServices !== undefined,
    async fn(t) {
      await using folder = await emptyFolder();
      await using services = kind === "postgres" ? await emptyDatabase() : undefined;
      let created = 0;
      const options = { url: services?.url, directory: folder.path, onCreate: () => created++ };
      const database = createDatabase(options);
      try {
        await t.step("it connects, and says what it found", async () => {
          assert.match(await database.connect(), /^PostgreSQL \d+/);
          assert.equal(created, kind === "pglite" ? 1 : 0);
        });

        await t.step("migrations are applied once", async () => {
          assert.ok(await database.migrate() > 0);
          assert.equal(await database.migrate(), 0);
        });

        await t.step("a document is stored with its passages and found by its terms", async () => {
          const document = await addDocument(database, 1, "abc");
          assert.equal(document.name, "a.txt");
          const found = await database.run("findPostings", {
            userId: 1,
            documentIds: [document.id],
            terms: ["passag", "absent"],
          }, never);
          assert.deepEqual(found.documents.map(({ lengths }) => lengths), [[1, 2]]);
          assert.deepEqual(found.postings.map(({ ordinals, counts }) => [ordinals, counts]), [
            [[1], [3]],
          ]);
          const passages = await database.run("readPassages", {
            userId: 1,
            documentIds: [document.id, document.id],
            ordinals: [1, 0],
          }, never);
          assert.deepEqual(passages.map(({ text, heading }) => [text, heading]), [
            ["the first", ["One", "Sub"]],
            ["the 'second' \\ passage", []],
          ]);
        });

        await t.step("the same content is one document of a user", async () => {
          const again = await addDocument(database, 1, "abc");
          const all = await database.run("listDocuments", { userId: 1 }, never);
          assert.deepEqual(all.map(({ id, chosen }) => [id, chosen]), [[again.id, true]]);
        });

        await t.step("nobody reaches a document of somebody else", async () => {
          const document = await addDocument(database, 2, "of another");
          const owned = { userId: 1, documentId: document.id };
          assert.equal(await database.run("chooseDocument", owned, never), undefined);
          assert.equal(await database.run("deleteDocument", owned, never), undefined);
          const ids = { userId: 1, documentIds: [document.id] };
          const found = await database.run("findPostings", { ...ids, terms: ["first"] }, never);
          assert.deepEqual(found, { documents: [], postings: [] });
          assert.deepEqual(
            await database.run("readPassages", { ...ids, ordinals: [0] }, never),
            [],
          );
        });

        await t.step("deleting a document takes all that was made of it", async () => {
          const document = await addDocument(database, 3, "to delete");
          await database.run("deleteDocument", { userId: 3, documentId: document.id }, never);
          const [row] = await database.sql`
            select (select count(*)::int from passages where document_id = ${document.id})
              + (select count(*)::int from postings where document_id = ${document.id}) as rest`;
          assert.equal(row?.rest, 0);
          assert.deepEqual(await database.run("chosenDocuments", { userId: 3 }, never), []);
        });

        await t.step(
          "questions go to one document, several, or all, of their user alone",
          async () => {
            const [a, b, c] = [
              await addDocument(database, 4, "a"),
              await addDocument(database, 4, "b"),
              await addDocument(database, 4, "c"),
            ];
            const foreign = await addDocument(database, 5, "foreign");
            const chosen = async (userId = 4) =>
              (await database.run("chosenDocuments", { userId }, never)).map(({ id }) => id);
            const choose = (documentIds: number[] | "all") =>
              database.run("chooseDocuments", { userId: 4, documentIds }, never);
            assert.deepEqual(await chosen(), [c.id], "the newest alone");
            assert.equal(await choose([a.id, b.id, foreign.id]), 2);
            assert.deepEqual(await chosen(), [b.id, a.id]);
            await database.run("toggleDocument", { userId: 4, documentId: a.id }, never);
            await database.run("toggleDocument", { userId: 4, documentId: foreign.id }, never);
            assert.deepEqual(await chosen(), [b.id]);
            assert.deepEqual(await chosen(5), [foreign.id]);
            assert.equal(await choose("all"), 3);
          },
        );

        await t.step("a unit of work that fails leaves nothing behind", async () => {
          const broken = { ...extracted, postings: [...extracted.postings, ...extracted.postings] };
          const added = { userId: 1, sha256: "broken", name: "b", bytes: 1, extracted: broken };
          await assert.rejects(database.run("addDocument", added, never), /duplicate key/);
          const all = await database.run("listDocuments", { userId: 1 }, never);
          assert.equal(all.length, 1);
        });

        await t.step("a unit of work whose asker has gone is rolled back", async () => {
          const asker = new AbortController();
          const turn = { userId: 1, chatId: 9, question: "q", answer: "a" };
          const work = database.run("saveTurn", turn, asker.signal);
          asker.abort(new Error("gone"));
          await assert.rejects(work, /gone/);
          const where = { userId: 1, chatId: 9 };
          const turns = await database.run("readConversation", { ...where, limit: 5 }, never);
          assert.deepEqual(turns, []);
        });

        await t.step("a conversation is kept in order, and forgotten", async () => {
          const where = { userId: 1, chatId: 1 };
          for (const n of [1, 2, 3]) {
            await database.run("saveTurn", { ...where, question: `q${n}`, answer: "a" }, never);
          }
          const last = await database.run("readConversation", { ...where, limit: 2 }, never);
          assert.deepEqual(last.map(({ question }) => question), ["q2", "q3"]);
          assert.equal(await database.run("clearConversation", where, never), 3);
          assert.equal((await database.run("readStats", { userId: 1 }, never)).questions, 3);
        });

        await t.step(
          "a quota lets through as many as it says, and counts what was asked",
          async () => {
            await database.run("touchUsers", {
              users: [{ userId: 50, name: "Bo", language: "en" }],
            }, never);
            const take = (perMinute: number, perDay: number, tokensPerDay = 0) =>
              database.run("takeQuestion", { userId: 50, perMinute, perDay, tokensPerDay }, never);
            const taken = await Promise.all([1, 2, 3, 4].map(() => take(3, 0)));
            assert.deepEqual(taken.filter((usedUp) => usedUp === undefined).length, 3);
            assert.equal(await take(3, 0), "minute");
            assert.equal(await take(0, 0), undefined, "0 is no limit");
            const turn = { userId: 50, chatId: 50, question: "q", answer: "a" };
            await database.run("saveTurn", turn, never);
            assert.equal(await take(0, 1), "day");
            await database.sql`
            update users set minute_began = now() - interval '61 seconds' where id = 50`;
            assert.equal(await take(1, 0), undefined, "a new minute");
            assert.equal(await take(1, 0), "minute");
          },
        );

        await t.step("many units of work at once neither mix nor wait for ever", async () => {
          const users = Array.from({ length: 60 }, (_, n) => n + 100);
          await Promise.all(
            users.map((userId) =>
              database.run("touchUsers", {
                users: [{ userId, name: `user ${userId}`, language: "en" }],
              }, never)
            ),
          );
          const rows = await database.sql<{ id: number; name: string }[]>`
            select id, name from users where id >= 100`;
          assert.equal(rows.length, 60);
          assert.ok(rows.every(({ id, name }) => name === `user ${id}`));
        });

        await t.step("what is stored is there after a restart", async () => {
          await database.close();
          await database.connect();
          assert.equal(created, kind === "pglite" ? 1 : 0);
          assert.equal((await database.run("listDocuments", { userId: 1 }, never)).length, 1);
        });
      } finally {
        await database.close();
      }
    },
  });
}

Deno.test({
  name: "replicas that start together apply each migration once",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const replicas = [1, 2, 3].map(() =>
      createDatabase({ url: services.url, directory: folder.path })
    );
    try {
      await Promise.all(replicas.map((replica) => replica.connect()));
      const applied = await Promise.all(replicas.map((replica) => replica.migrate()));
      const [none, neither, all = 0] = applied.sort();
      assert.deepEqual([none, neither, all > 0], [0, 0, true]);
    } finally {
      await Promise.all(replicas.map((replica) => replica.close()));
    }
  },
});

Deno.test({
  name: "a connection that the server ends is told apart from a wrong query, and comes back",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const database = createDatabase({ url: services.url, directory: folder.path });
    const admin = postgres(services.url, { max: 1 });
    try {
      await database.connect();
      await database.migrate();
      const hanging = database.sql`select pg_sleep(30)`.execute();
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
      await assert.rejects(hanging, isConnectionLost);
      await assert.rejects(
        database.sql`select no_such_thing()`,
        (error) => !isConnectionLost(error),
      );
      assert.match(await database.connect(), /PostgreSQL/);
    } finally {
      await admin.end();
      await database.close();
    }
  },
});

Deno.test("a folder that another opened is refused, and free again after it is closed", async () => {
  await using folder = await emptyFolder();
  const first = await openEmbedded(folder.path, () => {});
  await assert.rejects(openEmbedded(folder.path, () => {}), {
    name: "DirectoryInUseError",
    message: /another process uses it.*DATA_DIR.*DATABASE_URL/,
  });
  await first.close();
  const second = await openEmbedded(folder.path, () => {});
  await second.close();
});
