/**
 * What only one replica may do: a row that its holder renews every second and
 * that lapses by the database's clock. A row rather than an advisory lock, as
 * the server learns of a holder that is cut off or frozen only after minutes,
 * while a lease lapses in seconds; and it needs no connection of its own.
 */
import type { Sql } from "postgres";
import { logger } from "../log.ts";

/** A holder that is silent for this long has lost it. */
export const LEASE_MS = 4_000;
const RENEW_MS = 1_000;

export interface LeaseOptions {
  sql: () => Sql;
  /** What only one may do. */
  name: string;
  onWon: () => void;
  onLost: () => void;
}

/** Wants the lease until the result is called, which resolves once another may have it. */
export function wantLease({ sql, name, onWon, onLost }: LeaseOptions): () => Promise<void> {
  const log = logger("lease");
  const holder = crypto.randomUUID();
  /** By `performance.now()`; counted from before the renewal, so never later than the row's own. */
  let heldUntil: number | undefined;
  let renewing: Promise<void> | undefined;
  let hasEnded = false;

  async function renew(): Promise<void> {
    const begun = performance.now();
    try {
      const isHeld = await claim(sql(), name, holder);
      if (hasEnded) return;
      if (isHeld) hold(begun + LEASE_MS);
      else lose();
    } catch (error) {
      log.debug("Cannot renew the lease of {name}: {error}", { name, error });
    }
  }
  function hold(until: number): void {
    const isNew = heldUntil === undefined;
    heldUntil = until;
    if (isNew) onWon();
  }
  function lose(): void {
    if (heldUntil === undefined) return;
    heldUntil = undefined;
    onLost();
  }
  function beat(): void {
    // A renewal that hangs is no renewal.
    if (heldUntil !== undefined && performance.now() >= heldUntil) lose();
    renewing ??= renew().finally(() => renewing = undefined);
  }

  const timer = setInterval(beat, RENEW_MS);
  beat();
  return async () => {
    hasEnded = true;
    clearInterval(timer);
    await renewing;
    try {
      await sql()`delete from leases where name = ${name} and holder = ${holder}`;
    } catch (error) {
      log.debug("Cannot give the lease of {name} back: {error}", { name, error });
    }
  };
}

/** Takes or renews; says whether `holder` has it now. */
async function claim(sql: Sql, name: string, holder: string): Promise<boolean> {
  const rows = await sql`
    insert into leases as l (name, holder, held_until)
    values (${name}, ${holder}, now() + ${LEASE_MS} * interval '1 ms')
    on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
    where l.holder = excluded.holder or l.held_until < now()
    returning 1`;
  return rows.length > 0;
}
