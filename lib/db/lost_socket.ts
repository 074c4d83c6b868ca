/**
 * Keeps the process alive where postgres.js 3.4.9 does not: it writes to the
 * socket of a connection that was cut off within a transaction, from a timer
 * where nobody can catch it (porsager/postgres issues 1066, 1154, 1208). The
 * transaction itself is rejected by the driver, so what fails here is only the
 * rest of it, which nobody waits for.
 */
import { logger } from "../log.ts";

let isGuarding = false;

/** Has these errors, and no others, logged instead of ending the process. */
export function surviveLostSockets(): void {
  if (isGuarding) return;
  isGuarding = true;
  globalThis.addEventListener("error", (event) => {
    if (!isLostSocket(event.error)) return;
    event.preventDefault();
    logger("database").debug("A transaction has lost its connection: {error}", {
      error: event.error,
    });
  });
}

/** Whether `error` is the driver's write to a socket that it has lost. */
export function isLostSocket(error: unknown): boolean {
  return error instanceof TypeError && /null.*'write'/.test(error.message) &&
    /\bnextWrite \(.*\bpostgres\b.*connection\.js/.test(error.stack ?? "");
}
