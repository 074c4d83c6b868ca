/**
 * Messages to an actor that is not running. Each is counted; the log gets at
 * most one line for a message type every ten seconds, so that a dead actor
 * cannot flood it.
 */
import { logger } from "./log.ts";
import type { System } from "./ask.ts";

const LOG_INTERVAL_MS = 10_000;
const log = logger("actors");
const lastLogged = new WeakMap<System, Map<string, number>>();

/** Counts and logs a message of the given type that nobody will receive. */
export function deadLetter(system: System, type: string): void {
  system.get("metrics")?.send({
    type: "metrics.count",
    name: "actor.dead_letters",
    tags: { message: type },
  });
  const times = lastLogged.get(system) ?? new Map<string, number>();
  lastLogged.set(system, times);
  const now = Date.now();
  if (now - (times.get(type) ?? -Infinity) < LOG_INTERVAL_MS) return;
  times.set(type, now);
  log.warn("Dead letter: {type} was sent to an actor that is not running", { type });
}
