/** The bot as a process: numbered start-up steps, a first health check, and an end by signal. */
import { ask, tell } from "../ask.ts";
import type { Config } from "../config.ts";
import { requireBotToken } from "../config.ts";
import { logger } from "../log.ts";
import type { Running, StartStep, StartSystem } from "../running.ts";

const EXIT_FAILURE = 1;
/** The exit code of a process that a second interrupt ends. */
const EXIT_INTERRUPTED = 130;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** What the steps are called, for people. */
const TITLES: Readonly<Record<string, string>> = {
  metrics: "Metrics",
  db: "Database",
  cache: "Cache",
  ai: "AI",
  library: "Library",
  health: "Health",
  http: "HTTP",
  bot: "Telegram",
};

/** Runs the bot until a signal or a failure ends it; gives the exit code. */
export async function runBot(startSystem: StartSystem, config: Config): Promise<number> {
  requireBotToken(config);
  const log = logger("main");
  const begun = performance.now();
  const running = await startSystem(config, "bot", (step) => log.info(stepLine(step)));
  using _signals = stopOnSignal(running, config.shutdownGraceMs);
  await running.started.then(() => announce(running, performance.now() - begun), () => {});
  const { failure } = await running.ended;
  if (failure === undefined) {
    log.info("Stopped in order");
    return 0;
  }
  log.error("Stopped as {reason}", { reason: reasonOf(failure), failure });
  return EXIT_FAILURE;
}

/** `[2/8] Database: PostgreSQL 15.20, 1 migration applied, 412 ms` */
export function stepLine({ step, steps, id, note, ms }: StartStep): string {
  return `[${step}/${steps}] ${TITLES[id] ?? id}: ${note}, ${Math.round(ms)} ms`;
}

async function announce({ system }: Running, ms: number): Promise<void> {
  const log = logger("main");
  tell(system, "metrics.time", { name: "bot.startup_time", ms });
  try {
    const { status, services } = await ask(system, "health.check", { fresh: true });
    const each = Object.entries(services).map(([name, { status }]) => `${name} ${status}`);
    log.info(`Health: ${status} (${each.join(", ")})`);
  } catch (error) {
    log.warn("Cannot tell the health: {error}", { error });
  }
  log.info(`Ready in ${Math.round(ms)} ms`);
}

/** The first signal stops in order within the grace; a second one ends the process at once. */
export function stopOnSignal(running: Running, graceMs: number): Disposable {
  const log = logger("main");
  let force: ReturnType<typeof setTimeout> | undefined;
  const onSignal = () => {
    if (force !== undefined) Deno.exit(EXIT_INTERRUPTED);
    log.info("Stopping: what is in flight may finish");
    force = setTimeout(() => {
      log.error(`Ended by force, as stopping took over ${graceMs} ms`);
      Deno.exit(EXIT_FAILURE);
    }, graceMs);
    running.stop();
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, onSignal);
  return {
    [Symbol.dispose]() {
      clearTimeout(force);
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, onSignal);
    },
  };
}

function reasonOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
