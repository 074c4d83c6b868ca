/** How each service is, asked of the actors that use it. */
import { ask, type System, tell } from "../ask.ts";
import type { CacheStore } from "../cache/store.ts";
import type { HealthCheckerOptions, Setup } from "../health.ts";
import { stateName } from "../running.ts";
import type { CircuitState } from "../health.ts";

const CIRCUITS: Readonly<Record<string, CircuitState>> = {
  closed: "closed",
  open: "open",
  halfOpen: "half-open",
};

/** How updates reach this replica, by the states of the bot's intake that are not polling. */
const INTAKES = [
  ["webhook", "by webhook"],
  ["standingBy", "standing by: another replica polls"],
] as const;

/** The probes of a running system; looking at the database also measures the queue. */
export function healthProbes(
  system: System,
  cache: CacheStore,
  { database, redis }: Setup,
  queueSize: () => Promise<number>,
): HealthCheckerOptions["probes"] {
  const snapshotOf = (actor: string) => system.get(actor)?.getSnapshot();
  return {
    async database(signal) {
      await ask(system, "db.ping", {}, { signal });
      // Before the bot has signed in there is no queue yet.
      if (snapshotOf("bot")?.matches("running") === true) {
        tell(system, "metrics.gauge", { name: "queue.size", value: await queueSize() });
      }
      const message = database === "pglite" ? "embedded PostgreSQL answers" : "PostgreSQL answers";
      return { status: "healthy", message };
    },
    async redis() {
      if (redis === "memory") return { status: "healthy", message: "kept in the process" };
      if (snapshotOf("cache")?.context.where !== "redis") {
        return { status: "unhealthy", message: "Redis is away; the process's memory serves" };
      }
      await cache.ping();
      return { status: "healthy", message: "Redis answers" };
    },
    ai_service() {
      const snapshot = snapshotOf("ai");
      const circuit = CIRCUITS[stateName(snapshot?.value)] ?? "unknown";
      if (snapshot?.context.hasProvider === false) {
        const message = "no AI is configured: answers are passages";
        return Promise.resolve({ status: "offline", message, circuit: "closed" });
      }
      const message = circuit === "closed"
        ? `ready: ${snapshot?.context.note}`
        : "failing; answers are passages meanwhile";
      return Promise.resolve({
        status: circuit === "closed" ? "configured" : "degraded",
        message,
        circuit,
      });
    },
    telegram() {
      const snapshot = snapshotOf("bot");
      if (snapshot?.context.isContested === true) {
        const message = "another program polls with this token, or has set a webhook for it";
        return Promise.resolve({ status: "degraded", message });
      }
      const isUp = snapshot?.matches?.("running") === true && snapshot.context.failures === 0;
      const intake = INTAKES.find(([state]) => snapshot?.matches?.({ running: { intake: state } }));
      return Promise.resolve(
        isUp
          ? { status: "healthy", message: `signed in, ${intake?.[1] ?? "polling"}` }
          : { status: "degraded", message: "Telegram does not answer just now" },
      );
    },
  };
}
