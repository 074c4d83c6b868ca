/**
 * The health of the whole: asks every service the bot stands on at once, with
 * a short time for each, and makes the report that operators and their probes
 * read. What a failed probe threw goes to the log alone: anyone may read this.
 */
import { type Probe, runProbe } from "./health/probe.ts";
import { startSystemFigures, type SystemFigures } from "./health/system.ts";

export type { Probe } from "./health/probe.ts";

const HISTORY = 10;

/** Of the whole. */
export type Status = "healthy" | "degraded" | "unhealthy";
/** The AI is `configured` or, by the operator's choice, `offline`: neither is a failure. */
export type ServiceStatus = Status | "configured" | "offline";

/** How one service is. */
export interface ServiceHealth {
  /** How it is. */
  status: ServiceStatus;
  /** One sentence for the operator, fit for a public page. */
  message: string;
}

/** Of the AiActor's circuit; `unknown` when the actor did not say. */
export type CircuitState = "closed" | "open" | "half-open" | "unknown";

/** What never changes while the bot runs. */
export interface Setup {
  /** Which database serves. */
  database: "postgres" | "pglite";
  /** Where the cache is kept. */
  redis: "redis" | "memory";
  /** How updates come in. */
  telegram: "webhook" | "polling";
}

/** The services that the bot stands on, each with what is known of it beside its status. */
export interface Services {
  /** Without it nothing works. */
  database: ServiceHealth & { response_time_ms: number; kind: Setup["database"] };
  /** Without it the process's memory serves. */
  redis: ServiceHealth & { response_time_ms: number; kind: Setup["redis"] };
  /** Without it passages are the answers. */
  ai_service: ServiceHealth & { circuit: CircuitState };
  /** Without it nobody is heard. */
  telegram: ServiceHealth & { mode: Setup["telegram"] };
}

/** What `GET /health` answers. */
export interface HealthReport {
  /** ISO 8601, UTC. */
  timestamp: string;
  /** Of the whole. */
  status: Status;
  /** Of each service. */
  services: Services;
  /** Of the process and its machine; a figure that cannot be read is `null`. */
  system: { uptime_seconds: number; uptime_human: string } & SystemFigures;
  /** The last 10 checks, this one included, oldest first. */
  history: { timestamp: string; status: Status }[];
}

/** What a checker asks, and what it reports as it is. */
export interface HealthCheckerOptions {
  /** How each service is asked; a probe that throws or is slow makes it unhealthy. */
  probes: {
    database: Probe;
    redis: Probe;
    ai_service: Probe<Services["ai_service"]>;
    telegram: Probe;
  };
  /** What is reported as it is. */
  setup: Setup;
  /** Folder whose disk is looked at. */
  dataDir: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Makes reports, and remembers how the last ones ended. */
export interface HealthChecker {
  /**
   * Makes a report within about 80 ms; a service that fails is in the report.
   *
   * @throws the signal's reason when it aborts
   */
  check(signal: AbortSignal): Promise<HealthReport>;
}

/** A checker that remembers its last reports; uptime is counted from here. */
export function createHealthChecker(options: HealthCheckerOptions): HealthChecker {
  const { probes, setup, dataDir, now } = options;
  const startedAt = now();
  const readSystem = startSystemFigures(dataDir);
  let history: HealthReport["history"] = [];

  return {
    async check(signal) {
      signal.throwIfAborted();
      const [database, redis, ai, telegram] = await Promise.all([
        runProbe("Database", probes.database, signal),
        runProbe("Redis", probes.redis, signal),
        runProbe("AI", probes.ai_service, signal),
        runProbe("Telegram", probes.telegram, signal),
      ]);
      const services: Services = {
        database: { ...database.health, response_time_ms: database.ms, kind: setup.database },
        redis: { ...redis.health, response_time_ms: redis.ms, kind: setup.redis },
        ai_service: { circuit: "unknown", ...ai.health },
        telegram: { ...telegram.health, mode: setup.telegram },
      };
      const timestamp = new Date(now()).toISOString();
      const status = overallStatus(services);
      history = [...history, { timestamp, status }].slice(-HISTORY);
      const uptime = Math.floor((now() - startedAt) / 1_000);
      const system = {
        uptime_seconds: uptime,
        uptime_human: humanUptime(uptime),
        ...await readSystem(),
      };
      return { timestamp, status, services, system, history };
    },
  };
}

/** Nothing works without the database; without the others the bot still answers, but less well. */
export function overallStatus(services: Services): Status {
  const { database, redis, ai_service: ai, telegram } = services;
  if (database.status === "unhealthy") return "unhealthy";
  const isFailing = [database, redis, ai, telegram].some(({ status }) =>
    status === "unhealthy" || status === "degraded"
  );
  const isAiDown = ai.circuit === "open" || ai.circuit === "half-open";
  return isFailing || isAiDown ? "degraded" : "healthy";
}

/** `3600` is "1h 0m", `90` is "1m", `100000` is "1d 3h 46m". */
export function humanUptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days}d ${hours}h ${minutes}m`;
  return hours > 0 ? `${hours}h ${minutes}m` : `${minutes}m`;
}
