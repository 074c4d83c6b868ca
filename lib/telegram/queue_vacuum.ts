/**
 * When the server clears the queue's table of dead rows: by their number, which
 * every take has to pass by, not by their share of what is remembered, which may
 * be a thousand times as much as what waits.
 */
import type { Sql } from "postgres";

/** A take passes by so many in a millisecond, about. */
const DEAD_ROWS = 50_000;
const OPTIONS = [
  "autovacuum_vacuum_scale_factor=0",
  `autovacuum_vacuum_threshold=${DEAD_ROWS}`,
  "autovacuum_analyze_scale_factor=0",
  `autovacuum_analyze_threshold=${DEAD_ROWS}`,
];

/** Asks for it, unless that was done before. */
export async function vacuumByNumber(sql: Sql): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    select relnamespace::regnamespace || '.' || relname as name
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'pgboss.job'::regclass
      and not coalesce(reloptions, '{}') @> ${OPTIONS}`;
  for (const { name } of tables) {
    await sql.unsafe(`alter table ${name} set (${OPTIONS.join(", ")})`);
  }
}
