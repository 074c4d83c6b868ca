/**
 * Deletes what is kept no longer, a small batch a statement, so that nobody
 * waits for a lock. Handled updates are deleted by the queue's own engine.
 */
import type { Sql } from "postgres";

const BATCH = 500;
/** As long as handled updates are remembered. */
const NOTES_DAYS = 2;

export interface Kept {
  /** Days after which a turn of a conversation is forgotten; 0 means never. */
  turnsDays: number;
}

/** Deletes until nothing is left to delete or `signal` aborts; gives how many turns were deleted. */
export async function tidy(sql: Sql, { turnsDays }: Kept, signal: AbortSignal): Promise<number> {
  await inBatches(signal, () =>
    sql`
      delete from sent_messages where (job_id, key) in (
        select job_id, key from sent_messages
        where sent_at < now() - ${NOTES_DAYS} * interval '1 day' limit ${BATCH})`);
  if (turnsDays === 0) return 0;
  return await inBatches(signal, () =>
    sql`
      delete from turns where id = any(array(
        select id from turns where asked_at < now() - ${turnsDays} * interval '1 day'
        order by asked_at limit ${BATCH}))`);
}

async function inBatches(
  signal: AbortSignal,
  remove: () => Promise<{ count: number }>,
): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const { count } = await remove();
    total += count;
    if (count < BATCH) break;
  }
  return total;
}
