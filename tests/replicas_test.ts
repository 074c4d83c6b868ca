/** What replicas on one PostgreSQL share: the lead, words that wake, and the chores. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { createDatabase, type Database } from "../lib/db/database.ts";
import { tidy } from "../lib/db/housekeeping.ts";
import { LEASE_MS, wantLease } from "../lib/db/lease.ts";
import { createUpdateQueue, type StoredUpdate } from "../lib/telegram/update_queue.ts";
import { createWakeUps } from "../lib/telegram/wake_ups.ts";
import { startProxy } from "./support/chaos/proxy.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./support/storage.ts";

/** Somebody who wants the lease, and what becomes of it. */
function wanting(database: Pick<Database, "sql">) {
  let hasIt = false;
  let changed = Promise.withResolvers<void>();
  const change = (now: boolean) => {
    hasIt = now;
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const release = wantLease({
    sql: () => database.sql,
    name: "test",
    onWon: () => change(true),
    onLost: () => change(false),
  });
  const becomes = async (wanted: boolean) => {
    while (hasIt !== wanted) await changed.promise;
  };
  return { release, becomes, hasIt: () => hasIt };
}

/** A database whose connection can be cut. */
function cuttable(database: Database) {
  let isCut = false;
  return {
    cut: () => isCut = true,
    get sql() {
      if (isCut) throw new Error("the connection is cut");
      return database.sql;
    },
  };
}

Deno.test({
  name: "replicas on one PostgreSQL",
  ignore: missingServices !== undefined,
  async fn(t) {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const open = async () => {
      const database = createDatabase({ url: services.url, directory: folder.path });
      await database.connect();
      await database.migrate();
      return database;
    };
    const one = await open();
    const other = await open();
    try {
      await t.step("one leads, and gives the lead over when it stops", async () => {
        const first = wanting(one);
        await first.becomes(true);
        const second = wanting(other);
        await first.release();
        await second.becomes(true);
        await second.release();
      });

      await t.step("one that is cut off stands by before another one leads", async () => {
        const connection = cuttable(one);
        const first = wanting(connection);
        await first.becomes(true);
        const second = wanting(other);
        connection.cut();
        const begun = performance.now();
        await Promise.race([
          first.becomes(false),
          second.becomes(true).then(() => assert.equal(first.hasIt(), false, "two have led")),
        ]);
        await second.becomes(true);
        assert.ok(performance.now() - begun < LEASE_MS + 3_000);
        await first.release();
        assert.ok(second.hasIt(), "what is given back late is nobody's");
        await second.release();
      });

      await t.step("a word wakes the others and not its speaker", async () => {
        const heard = Promise.withResolvers<void>();
        let own = 0;
        const [here, there] = [createWakeUps(() => one.sql), createWakeUps(() => other.sql)];
        const ends = [here.listen(() => own++), there.listen(() => heard.resolve())];
        await listening(services.url, 2);
        here.rouse();
        await heard.promise;
        assert.equal(own, 0);
        for (const end of ends) end();
      });

      await t.step("after its connection was cut a replica hears again", async () => {
        let heard = Promise.withResolvers<void>();
        const [here, there] = [createWakeUps(() => one.sql), createWakeUps(() => other.sql)];
        const end = there.listen(() => heard.resolve());
        await listening(services.url, 1);
        await one.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query ilike 'listen %'`;
        heard = Promise.withResolvers();
        const asking = setInterval(() => here.rouse(), 200);
        try {
          await heard.promise;
        } finally {
          clearInterval(asking);
          end();
        }
      });
    } finally {
      await one.close();
      await other.close();
    }
  },
});

/** Waits until so many connections of the database listen. */
async function listening(url: string, count: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    for (;;) {
      const rows = await sql`
        select 1 from pg_stat_activity
        where datname = current_database() and query ilike 'listen %' and state = 'idle'`;
      if (rows.length >= count) return;
    }
  } finally {
    await sql.end();
  }
}

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test({
    name: `what is kept no longer is deleted (${kind})`,
    ignore: kind === "postgres" && missingServices !== undefined,
    async fn() {
      await using folder = await emptyFolder();
      await using services = kind === "postgres" ? await emptyDatabase() : undefined;
      const database = createDatabase({ url: services?.url, directory: folder.path });
      await database.connect();
      try {
        await database.migrate();
        const { sql } = database;
        await sql`insert into users (id, name, language) values (1, 'Ada', 'en')`;
        await sql`
          insert into turns (user_id, chat_id, question, answer, asked_at)
          select 1, 1, 'q' || n, 'a', now() - n * interval '1 hour' from generate_series(1, 1300) n`;
        await sql`
          insert into sent_messages (job_id, key, message_id, sent_at)
          select gen_random_uuid(), 'k', 1, now() - n * interval '1 day' from generate_series(0, 9) n`;
        const left = async () => {
          const [turns] = await sql<[{ n: number }]>`select count(*)::int as n from turns`;
          const [notes] = await sql<[{ n: number }]>`select count(*)::int as n from sent_messages`;
          return [turns.n, notes.n];
        };
        const never = new AbortController().signal;
        assert.equal(await tidy(sql, { turnsDays: 0 }, never), 0);
        assert.deepEqual(await left(), [1_300, 2], "0 days means for ever");
        assert.equal(await tidy(sql, { turnsDays: 2 }, AbortSignal.abort()), 0);
        assert.equal(await tidy(sql, { turnsDays: 2 }, never), 1_253, "more than two batches");
        assert.deepEqual(await left(), [47, 2]);
      } finally {
        await database.close();
      }
    },
  });
}

Deno.test({
  name:
    "what was handled while the database went away is completed when it is back, not handled again",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const url = new URL(services.url);
    await using proxy = startProxy(url.host);
    url.host = proxy.host;
    const database = createDatabase({ url: url.href, directory: folder.path });
    await database.connect();
    await database.migrate();
    const queue = createUpdateQueue({ kind: "postgres", sql: () => database.sql, botId: 42 });
    await queue.open();
    const never = new AbortController().signal;
    const message = (update_id: number) => ({ update_id, message: { chat: { id: 1 } } });
    try {
      await queue.store([message(1), message(2)]);
      const [first] = await queue.take(10, never);
      assert.ok(first);
      proxy.away();
      await queue.complete(first);
      proxy.back();
      let next: StoredUpdate | undefined;
      // While the driver reconnects, nothing can be taken.
      while (next === undefined) [next] = await queue.take(10, never).catch(() => []);
      assert.equal(next.update.update_id, 2);
      await queue.complete(next);
      assert.equal(await queue.size(), 0);
    } finally {
      await queue.close();
      await database.close();
    }
  },
});
