/** The room of what is forgotten is used again, on both kinds of storage. */
import assert from "node:assert/strict";
import { createDatabase } from "../lib/db/database.ts";
import { vacuum } from "../lib/db/vacuum.ts";
import { createUpdateQueue } from "../lib/telegram/update_queue.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./support/storage.ts";

const never = new AbortController().signal;
const ROWS = 3_000;

Deno.test("the embedded database uses the room of what is forgotten again", async () => {
  await using folder = await emptyFolder();
  const database = createDatabase({ directory: folder.path });
  await database.connect();
  try {
    await database.migrate();
    const { sql } = database;
    await sql`insert into users (id, name, language) values (1, 'Ada', 'en')`;
    /** Some turns that are forgotten; gives the bytes of the table and its indexes after. */
    const forget = async () => {
      await sql`
        insert into turns (user_id, chat_id, question, answer)
        select 1, 1, repeat('q', 100), repeat('a', 500) from generate_series(1, ${ROWS})`;
      await sql`delete from turns`;
      const [row] = await sql<[{ size: number }]>`select pg_total_relation_size('turns') as size`;
      return row.size;
    };
    const clear = async () => {
      // What was changed is counted a second later.
      for (let tries = 0; await vacuum(sql, never) === 0; tries++) {
        assert.ok(tries < 100, "what was forgotten is never counted");
        await new Promise((again) => setTimeout(again, 200));
      }
    };
    const once = await forget();
    const twice = await forget();
    assert.ok(twice > once * 1.5, "nobody else clears it");
    for (let n = 0; n < 4; n++) {
      await clear();
      assert.ok(await forget() <= twice);
    }
    await clear();
    assert.equal(await vacuum(sql, never), 0, "what is clear is left alone");
  } finally {
    await database.close();
  }
});

Deno.test({
  name: "the server clears the queue by the number of dead rows",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const database = createDatabase({ url: services.url, directory: folder.path });
    await database.connect();
    try {
      for (let n = 0; n < 2; n++) {
        const queue = createUpdateQueue({ kind: "postgres", sql: () => database.sql, botId: 42 });
        await queue.open();
        await queue.close();
        const rows = await database.sql<{ options: string[] }[]>`
          select reloptions as options from pg_inherits join pg_class on pg_class.oid = inhrelid
          where inhparent = 'pgboss.job'::regclass`;
        assert.equal(rows.length, 1);
        assert.ok(rows[0]?.options.includes("autovacuum_vacuum_scale_factor=0"));
        assert.equal(new Set(rows[0]?.options).size, 4);
      }
    } finally {
      await database.close();
    }
  },
});
