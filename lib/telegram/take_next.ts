/**
 * Takes the next updates out of the queue's table, by the engine's own rules. The
 * engine's fetch compares all that waits with all that is in work, and brings
 * everything that stands with an update: under load it was half of what the
 * database did.
 */
import type { Sql } from "postgres";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import { QUEUE, type TriesSoFar } from "./tries.ts";

/** Replicas that take at the same time pass each other's by: so many times the limit are looked at. */
const SHARED_BY = 4;
/** A unique index of the engine's keeps each chat to one update in work. */
const TAKEN_MEANWHILE = "23505";

/** An update as it stands in the queue, taken into work. */
export interface Taken {
  id: string;
  data: IncomingUpdate;
  /** Tries before this one. */
  retries: number;
  output: Partial<TriesSoFar> | null;
}

/** `$1` is the queue's name, `$2` how many are taken, `$3` how many are looked at. */
const TAKE = `
  with heads as materialized (
    select distinct on (singleton_key) id, created_on from pgboss.job
    where name = $1 and policy = 'key_strict_fifo'
      and state < 'active' and not blocked and start_after <= now()
      -- What waits for its next try holds back its chat, as what is in work does.
      and singleton_key not in (
        select singleton_key from pgboss.job
        where name = $1 and policy = 'key_strict_fifo'
          and state in ('active', 'retry', 'failed')
          and (state <> 'retry' or start_after > now()))
    -- What was tried before comes before what was not.
    order by singleton_key, state desc, created_on, id
  ), oldest as (
    select id, created_on as at from heads order by created_on limit $3
  ), next as (
    -- Looked at once more, as another replica may have been first. Put in this way, no
    -- index of what waits fits, which would be read from its start for each.
    select id from pgboss.job join oldest using (id)
    where name = $1 and (state < 'active') is true and start_after <= now()
    order by at limit $2 for update of job skip locked
  )
  update pgboss.job set state = 'active', started_on = now(), heartbeat_on = now(),
    retry_count = case when started_on is null then retry_count else retry_count + 1 end
  from next where name = $1 and job.id = next.id
  returning job.id, data, retry_count as retries, output`;

/** Takes up to `limit` updates: the next one of each chat in which none is in work, the oldest first. */
export async function takeNext(sql: Sql, limit: number): Promise<Taken[]> {
  try {
    // Planned each time, since the table that a plan was made for may have been empty.
    return await sql.unsafe<Taken[]>(TAKE, [QUEUE, limit, limit * SHARED_BY], { prepare: false });
  } catch (error) {
    // Another replica was first; the others that were to be taken wait on.
    if (error instanceof Error && "code" in error && error.code === TAKEN_MEANWHILE) return [];
    throw error;
  }
}
