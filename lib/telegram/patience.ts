/**
 * How often an update is tried. One that fails by itself, or takes its process
 * with it, is given up after a few tries; one that only waits for the database
 * or for Telegram is tried for half an hour.
 */
import { isConnectionLost } from "../db/database.ts";

/** Tries of an update that fails, or whose process dies. */
export const MAX_TRIES = 5;
/** With pauses of up to a minute between them, this waits out half an hour. */
export const MAX_WAITS = 35;
/** An update that has failed so often may be what ends processes, and is handled without a second one. */
const SUSPECT_AFTER = 2;

/** What is known of an update's earlier tries. */
export interface Tries {
  /** All tries that ended without completing it. */
  retries: number;
  /** Those of them that only waited for others. */
  waits: number;
}

/** Whether `error` says that somebody else is away or busy, rather than that the update is bad. */
export function isWait(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isConnectionLost(error) || WAITS.has(error.name)) return true;
  return "error_code" in error && typeof error.error_code === "number" &&
    (error.error_code === 429 || error.error_code >= 500);
}

const WAITS: ReadonlySet<string> = new Set([
  "DatabaseUnavailableError",
  // An actor that fails is started again; one that does not come back ends the process.
  "ActorUnavailableError",
  "OverloadedError",
  "AskTimeoutError",
  // Telegram did not answer.
  "HttpError",
  // The bot is being stopped.
  "AbortError",
]);

/** Whether all the tries that an update has are used up, before the next one. */
export function isUsedUp(tries: Tries): boolean {
  return failures(tries) >= MAX_TRIES || tries.waits >= MAX_WAITS;
}

/** Whether it may be this update that ends the processes which handle it. */
export function isSuspect(tries: Tries): boolean {
  return failures(tries) >= SUSPECT_AFTER;
}

/** The same after one more try. */
export function afterTry({ retries, waits }: Tries, hasWaited: boolean): Tries {
  return { retries: retries + 1, waits: hasWaited ? waits + 1 : waits };
}

function failures({ retries, waits }: Tries): number {
  return Math.max(0, retries - waits);
}
