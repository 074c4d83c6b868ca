/**
 * One look at one service, with an end in any case: a health report that waits
 * for a dead service would itself look dead to whoever asked for it.
 */
import type { ServiceHealth } from "../health.ts";
import { logger } from "../log.ts";

/** How long a service may take to answer, in milliseconds. */
export const PROBE_MS = 80;

const log = logger("health");

/** Says how one service is. Should heed the signal; if it does not, it is not waited for. */
export type Probe<H extends ServiceHealth = ServiceHealth> = (signal: AbortSignal) => Promise<H>;

/** What came of one look. */
export interface ProbeResult<H extends ServiceHealth> {
  /** What the probe said, or that it said nothing in time. */
  health: H | ServiceHealth;
  /** How long the answer took, in milliseconds, to a hundredth. */
  ms: number;
}

/**
 * Runs a probe; one that fails or is too slow makes the service `unhealthy`.
 * `name` is for people.
 *
 * @throws the signal's reason when it aborts
 */
export async function runProbe<H extends ServiceHealth>(
  name: string,
  probe: Probe<H>,
  signal: AbortSignal,
): Promise<ProbeResult<H>> {
  const begun = performance.now();
  const health = await withinLimit(name, probe, signal);
  return { health, ms: Math.round((performance.now() - begun) * 100) / 100 };
}

/** Waits for the probe, the limit or the caller's end, whichever comes first. */
async function withinLimit<H extends ServiceHealth>(
  name: string,
  probe: Probe<H>,
  signal: AbortSignal,
): Promise<H | ServiceHealth> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PROBE_MS);
  const either = AbortSignal.any([signal, limit.signal]);
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(either.reason);
  either.addEventListener("abort", end);
  try {
    return await Promise.race([probe(either), ended.promise]);
  } catch (error) {
    signal.throwIfAborted();
    if (limit.signal.aborted) {
      return { status: "unhealthy", message: `${name} did not answer within ${PROBE_MS} ms` };
    }
    log.warn("Health probe of {name} failed: {error}", { name, error });
    return { status: "unhealthy", message: `${name} cannot be reached; the log says why` };
  } finally {
    clearTimeout(timer);
    either.removeEventListener("abort", end);
  }
}
