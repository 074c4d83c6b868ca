/** Brings the schema up to date: numbered SQL files, each applied once, under one lock. */
import type { Sql } from "postgres";

/** Any number that no other program on this database uses for its advisory lock. */
const LOCK_KEY = 727_301_001;

/**
 * Applies the migrations that are missing, all in one transaction. Safe when
 * several replicas start together: the others wait and then find nothing to do.
 *
 * @returns how many were applied
 */
export async function migrate(sql: Sql): Promise<number> {
  const files = await migrationFiles();
  const applied = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK_KEY})`;
    await tx`create table if not exists migrations (
      name text primary key, applied_at timestamptz not null default now())`;
    const rows = await tx<{ name: string }[]>`select name from migrations`;
    const done = new Set(rows.map(({ name }) => name));
    const missing = files.filter(({ name }) => !done.has(name));
    for (const { name, url } of missing) {
      await tx.unsafe(await Deno.readTextFile(url));
      await tx`insert into migrations (name) values (${name})`;
    }
    return missing.length;
  });
  return applied;
}

async function migrationFiles(): Promise<{ name: string; url: URL }[]> {
  const folder = new URL("./migrations/", import.meta.url);
  const files = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".sql")) files.push({ name, url: new URL(name, folder) });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}
