/**
 * The driver waits for ever on a connection that was cut off without a word, and
 * one answer that never comes must not hold up what waits behind it.
 */

/** The answer, or after `ms` the failure of a lost connection; the statement may still take effect. */
export async function inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`Cannot wait longer for the database as ${ms} ms have passed`);
    late.reject(Object.assign(error, { code: "CONNECT_TIMEOUT" }));
  }, ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
