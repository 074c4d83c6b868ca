/**
 * What a server's autovacuum does, for the embedded database, where it does not
 * run: without it the files grow with every update that is forgotten, and plans
 * stay as they were made for empty tables.
 */
import type { Sql } from "postgres";

/** Rows that may be dead or changed in any table, and as a share of a large one. */
const ROWS = 500;
const DEAD_SHARE = 0.2;
const CHANGED_SHARE = 0.1;

/** Clears and counts the tables that need it, one after another; gives how many that were. */
export async function vacuum(sql: Sql, signal: AbortSignal): Promise<number> {
  const tables = await sql<{ name: string; hasDead: boolean }[]>`
    select schemaname || '.' || relname as name,
      n_dead_tup > ${ROWS} + ${DEAD_SHARE}::float8 * n_live_tup as "hasDead"
    from pg_stat_user_tables
    where n_dead_tup > ${ROWS} + ${DEAD_SHARE}::float8 * n_live_tup
      or n_mod_since_analyze > ${ROWS} + ${CHANGED_SHARE}::float8 * n_live_tup
    order by name`;
  for (const { name, hasDead } of tables) {
    // Each holds up what waits for the database, for some tenths of a second.
    if (signal.aborted) break;
    if (hasDead) await sql`vacuum ${sql(name)}`;
    await sql`analyze ${sql(name)}`;
  }
  return tables.length;
}
