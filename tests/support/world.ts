/**
 * A whole bot in this process, over a Bot API server of our own: on the embedded
 * database and the process's cache, or on the PostgreSQL and Redis of the machine.
 */
import { startSystem } from "../../main.ts";
import { ask } from "../../lib/ask.ts";
import { type Config, readConfig } from "../../lib/config.ts";
import {
  type BotApiServer,
  type BotApiServerOptions,
  startBotApiServer,
} from "../../lib/demo/bot_api_server.ts";
import type { DemoUser } from "../../lib/demo/chats.ts";
import type { MetricsSummary } from "../../lib/metrics.ts";
import type { Running } from "../../lib/running.ts";
import { emptyDatabase, emptyFolder, missingServices } from "./storage.ts";

export const TOKEN = "4242:test";

export interface World extends AsyncDisposable {
  readonly server: BotApiServer;
  readonly running: Running;
  readonly config: Config;
  user(languageCode?: string): DemoUser;
  metrics(): Promise<MetricsSummary>;
  /** Stops the bot as a signal would, and waits for its end. */
  stop(): Promise<{ failure?: unknown }>;
}

export type Storage = "embedded" | "services";

/** For tests that are about something else: the servers of the machine if it has them. */
export const anyStorage: Storage = missingServices === undefined ? "services" : "embedded";

/** Starts a bot with an empty memory; `env` is added to its configuration. */
export async function startWorld(
  storage: Storage,
  env: Record<string, string> = {},
  options: Partial<BotApiServerOptions> = {},
): Promise<World> {
  const resources = new AsyncDisposableStack();
  const server = await startBotApiServer({ token: TOKEN, ...options });
  resources.defer(() => server.close());
  const folder = resources.use(await emptyFolder());
  const services = storage === "services" ? resources.use(await emptyDatabase()) : undefined;
  const config = readConfig({
    BOT_TOKEN: TOKEN,
    BOT_API_ROOT: server.url,
    DATA_DIR: folder.path,
    PORT: "0",
    ...(services !== undefined && { DATABASE_URL: services.url, REDIS_URL: services.redisUrl }),
    ...env,
  });
  const running = await startSystem(config, "bot", () => {});
  const stop = async () => {
    running.stop();
    return await running.ended;
  };
  resources.defer(async () => {
    await stop();
  });
  await running.started;
  let nextUser = 100;
  return {
    server,
    running,
    config,
    user: (languageCode = "en") => server.user({ id: nextUser++, firstName: "Ada", languageCode }),
    metrics: () => ask(running.system, "metrics.summary", {}),
    stop,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
