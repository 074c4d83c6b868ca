/**
 * Claims on updates in work: this replica renews its own every second, and
 * takes from the others what they have not renewed, as who is silent is dead or
 * cut off. Who is cut off knows it first: it sends nothing once its claims may
 * have lapsed.
 */
import { inTime } from "../db/in_time.ts";
import { logger } from "../log.ts";

/** Who has not renewed a claim for this long has lost it. */
export const SILENT_MS = 4_000;
const BEAT_MS = 1_000;
/** A beat that takes longer is given up, so that the next one is in time. */
const LATE_MS = 2_000;

export interface ClaimsOptions {
  /** Renews the claims on all that is in this replica's hands; gives the database's time in milliseconds. */
  renew(): Promise<number>;
  /** Returns to the queue what nobody has renewed for so long; gives how many updates that were. */
  reclaim(silentMs: number): Promise<number>;
  /** Called when the database's clock was set, so that times which it has named say nothing. */
  onClockSet(): Promise<void>;
}

export interface Claims {
  /**
   * Whether a claim is certain to hold; times by `performance.now()`.
   *
   * @param takenAt before it was taken
   * @param heldSince when it was among those that are renewed
   */
  holds(takenAt: number, heldSince: number): boolean;
  /** Resolves once nothing is under way. */
  end(): Promise<void>;
}

/** By how much the database's clock may seem to be off beside how long its answers take. */
const STEP_MS = 500;

/** A process may no longer send for an update, as another one may have taken it over. */
export class ClaimLostError extends Error {
  override name = "ClaimLostError";
  constructor() {
    super("Cannot go on with the update as another process may have taken it over");
  }
}

/** Renews and reclaims until it is ended. */
export function keepClaims({ renew, reclaim, onClockSet }: ClaimsOptions): Claims {
  const log = logger("queue");
  let beating: Promise<void> | undefined;
  let renewedAt = -Infinity;
  /**
   * Since when each renewal has succeeded. While the database is away all are
   * silent, and when it is back each gets the time to speak; so do all when its
   * clock is set, as by it everybody is silent then, or nobody ever.
   */
  let heardSince: number | undefined;
  const isSet = watchForSteps();

  async function beat(): Promise<void> {
    const begun = performance.now();
    try {
      const clock = await inTime(LATE_MS, renew());
      renewedAt = begun;
      if (isSet(clock, begun)) {
        heardSince = undefined;
        log.warn("The database's clock was set");
        await inTime(LATE_MS, onClockSet());
      }
      heardSince ??= begun;
      if (begun - heardSince < SILENT_MS) return;
      const count = await inTime(LATE_MS, reclaim(SILENT_MS));
      if (count > 0) log.warn("Took over {count} updates of a silent replica", { count });
    } catch (error) {
      heardSince = undefined;
      log.warn("Cannot renew the claims on updates in work: {error}", { error });
    }
  }

  const timer = setInterval(() => {
    // One that hangs is not joined by others.
    beating ??= beat().finally(() => beating = undefined);
  }, BEAT_MS);
  return {
    holds(takenAt, heldSince) {
      const since = renewedAt >= heldSince ? renewedAt : takenAt;
      return performance.now() < since + SILENT_MS;
    },
    async end() {
      clearInterval(timer);
      await beating;
    },
  };
}

/** Tells of each reading of the database's clock whether it was set since the one before. */
function watchForSteps(): (clock: number, asked: number) => boolean {
  let before: { earliest: number; latest: number } | undefined;
  return (clock, asked) => {
    // How far it is ahead of ours, which nobody sets: it was read between the question and now.
    const ahead = { earliest: clock - performance.now(), latest: clock - asked };
    const isSet = before !== undefined &&
      (ahead.earliest > before.latest + STEP_MS || ahead.latest < before.earliest - STEP_MS);
    before = ahead;
    return isSet;
  };
}
