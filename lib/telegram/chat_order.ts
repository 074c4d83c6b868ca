/**
 * The order of the queue by Telegram's own count instead of by the database's
 * clock, which may be set back: what came first would then wait, and what comes
 * next would go before it.
 */
import type { Sql } from "postgres";

/** Any number: who installs it keeps others from doing so at the same time. */
const LOCK = 7_318_226;

/**
 * Makes the database date each new update by its number, a microsecond for each,
 * so that the engine takes the lowest first and at once; also those that wait.
 *
 * @param queue name of the queue of updates
 */
export async function orderByUpdateId(sql: Sql, queue: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK})`;
    const [installed] = await tx`
      select 1 from pg_trigger
      where tgrelid = 'pgboss.job'::regclass and tgname = 'order_by_update_id'`;
    if (installed !== undefined) return;
    await tx.unsafe(`
      create or replace function pgboss.order_by_update_id() returns trigger language plpgsql as $$
      begin
        new.created_on :=
          'epoch'::timestamptz + (new.data ->> 'update_id')::bigint * interval '1 microsecond';
        new.start_after := new.created_on;
        return new;
      end $$;
      create trigger order_by_update_id before insert on pgboss.job
        for each row when (new.name = '${queue}')
        execute function pgboss.order_by_update_id();
      update pgboss.job set created_on =
          'epoch'::timestamptz + (data ->> 'update_id')::bigint * interval '1 microsecond'
        where name = '${queue}' and state < 'active';`);
  });
}
