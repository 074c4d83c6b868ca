/** What the queue says of each update: every change of its state, noted by the database itself. */
import type { Sql } from "postgres";

export interface Change {
  updateId: number;
  at: string;
  state: string;
  retries: number;
  /** How the try before it ended, if that was no success. */
  error: string | null;
  /** The replica's connection. */
  client: number;
}

/** Notes all changes from now on; the queue's tables are there already. */
export async function noteHistory(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create unlogged table public.history (
      update_id bigint, at timestamptz, state text, retries int, error text, client int);
    create function public.note_history() returns trigger language plpgsql as $$
    begin
      if new.name = 'updates' and (tg_op = 'INSERT' or old.state <> new.state) then
        insert into public.history values ((new.data ->> 'update_id')::bigint, clock_timestamp(),
          new.state::text, new.retry_count, new.output ->> 'error', pg_backend_pid());
      end if;
      return null;
    end $$;
    create trigger note_history after insert or update on pgboss.job
      for each row execute function public.note_history()`);
}

/** What became of one update, in order. */
export async function historyOf(sql: Sql, updateId: number): Promise<Change[]> {
  return await sql<Change[]>`
    select update_id::int as "updateId", at::text, state, retries, error, client from history
    where update_id = ${updateId} order by at`;
}

/** The updates that were taken from a process which had not renewed its claim on them. */
export async function takenFromTheSilent(sql: Sql): Promise<Set<number>> {
  const rows = await sql<{ updateId: number }[]>`
    select distinct update_id::int as "updateId" from history
    where state = 'retry' and error = 'its process was silent'`;
  return new Set(rows.map(({ updateId }) => updateId));
}
