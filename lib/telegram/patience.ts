/**
 * How often an update is tried, and after what pause. One that fails by itself,
 * or takes its process with it, is given up after a few tries; one that only
 * waits for the database or for Telegram is tried for half an hour.
 */
import { isConnectionLost } from "../db/database.ts";

/** Tries that fail. */
export const MAX_TRIES = 5;
/** Tries whose process dies: it may have died of something else. */
export const MAX_DEATHS = 7;
/** With pauses of up to 15 s between them, this waits out half an hour. */
export const MAX_WAITS = 120;
const MAX_WAIT_MS = 15_000;
const MAX_PAUSE_MS = 60_000;
const FIRST_PAUSE_MS = 1_000;
/** An update whose process has died so often may be why, and is handled without a second one. */
const SUSPECT_AFTER = 2;

/** What is known of an update's earlier tries. */
export interface Tries {
  /** All tries that ended without completing it. */
  retries: number;
  /** Those of them that only waited for others. */
  waits: number;
  /** Those that failed by themselves. Of the rest the process has died. */
  failures: number;
}

/** Whether `error` says that somebody else is away or busy, rather than that the update is bad. */
export function isWait(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isConnectionLost(error) || WAITS.has(error.name) || isTelegramAway(error);
}

/** Whether Telegram asks to be left alone for a while, is broken, or refuses the bot's token. */
export function isTelegramAway(error: unknown): boolean {
  if (!(error instanceof Error) || !("error_code" in error)) return false;
  const { error_code: code } = error;
  return typeof code === "number" && (code === 401 || code === 429 || code >= 500);
}

const WAITS: ReadonlySet<string> = new Set([
  "DatabaseUnavailableError",
  // An actor that fails is started again; one that does not come back ends the process.
  "ActorUnavailableError",
  "OverloadedError",
  "AskTimeoutError",
  // Telegram did not answer.
  "HttpError",
  "ClaimLostError",
  // The bot is being stopped.
  "AbortError",
]);

/** Whether all the tries that an update has are used up, before the next one. */
export function isUsedUp(tries: Tries): boolean {
  return deaths(tries) >= MAX_DEATHS || tries.failures >= MAX_TRIES || tries.waits >= MAX_WAITS;
}

/** Whether it may be this update that ends the processes which handle it. */
export function isSuspect(tries: Tries): boolean {
  return deaths(tries) >= SUSPECT_AFTER;
}

/** The same after one more try that ended with `error`. */
export function afterTry({ retries, waits, failures }: Tries, error: unknown): Tries {
  return isWait(error)
    ? { retries: retries + 1, waits: waits + 1, failures }
    : { retries: retries + 1, waits, failures: failures + 1 };
}

/** How long to leave an update alone after its last try ended with `error`; what Telegram asks for counts. */
export function pauseMs({ waits, failures }: Tries, error: unknown): number {
  const asked = askedPauseMs(error);
  if (asked !== undefined) return asked;
  return isWait(error)
    ? Math.min(FIRST_PAUSE_MS * 2 ** (waits - 1), MAX_WAIT_MS)
    : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS);
}

function askedPauseMs(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("parameters" in error)) return undefined;
  const { parameters } = error;
  if (typeof parameters !== "object" || parameters === null) return undefined;
  if (!("retry_after" in parameters) || typeof parameters.retry_after !== "number") {
    return undefined;
  }
  return parameters.retry_after * 1_000;
}

function deaths({ retries, waits, failures }: Tries): number {
  return Math.max(0, retries - waits - failures);
}
