/**
 * The configuration: environment variables, read once at start and checked
 * together, so that an operator sees every mistake at once. No message here
 * shows a value, as it may be a secret that was put under the wrong name.
 */
import { type Config, toConfig } from "./config/settings.ts";
import { exampleOf, VARIABLE_NAMES, type VariableName, VARIABLES } from "./config/variables.ts";

export type { Config } from "./config/settings.ts";

/** Something is wrong with the environment; the message is all that an operator needs. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

interface Mistake {
  name: VariableName;
  problem: string;
}

/**
 * Reads the configuration. A variable set to nothing counts as not set, except
 * `GEMINI_EMBEDDING_MODEL`, where it means "no embeddings". Other variables of
 * the environment are passed over.
 *
 * @throws {ConfigError} that lists every mistake, one a line
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const set: Partial<Record<VariableName, string>> = {};
  for (const name of VARIABLE_NAMES) {
    const text = env[name]?.trim();
    if (text || (name === "GEMINI_EMBEDDING_MODEL" && text === "")) set[name] = text;
  }
  const parsed = VARIABLES.safeParse(set);
  const mistakes = findConflicts(set);
  for (const issue of parsed.error?.issues ?? []) {
    mistakes.push({ name: issue.path[0] as VariableName, problem: issue.message });
  }
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(describe(mistakes));
  return toConfig(parsed.data);
}

/**
 * The bot's token, which the commands that speak to Telegram need.
 *
 * @throws {ConfigError} without one
 */
export function requireBotToken(config: Config): string {
  if (config.telegram.token === undefined) {
    throw new ConfigError(
      "Cannot start as BOT_TOKEN is not set: put the token from @BotFather there, " +
        "or run `deno task demo`, which needs none",
    );
  }
  return config.telegram.token;
}

/** Every text of the configuration that nobody may see, for the redaction of logs. */
export function secretsOf(config: Config): string[] {
  const passwords = [config.database.url, config.redis.url].flatMap((url) => {
    const password = url === undefined ? "" : new URL(url).password;
    return [password, decodeURIComponent(password)];
  });
  const secrets = [
    config.telegram.token ?? "",
    config.telegram.webhook?.secret ?? "",
    config.gemini?.apiKey ?? "",
    config.openai?.apiKey ?? "",
    config.http.token ?? "",
    ...passwords,
  ];
  return [...new Set(secrets)].filter((secret) => secret !== "");
}

/** What variables demand of each other, told by which of them are set at all. */
function findConflicts(set: Partial<Record<VariableName, string>>): Mistake[] {
  const conflicts: Mistake[] = [];
  if (set.WEBHOOK_URL !== undefined && set.WEBHOOK_SECRET === undefined) {
    conflicts.push({ name: "WEBHOOK_SECRET", problem: "is needed with WEBHOOK_URL" });
  }
  if (set.HOST !== undefined && !isLoopback(set.HOST) && set.HTTP_TOKEN === undefined) {
    conflicts.push({ name: "HTTP_TOKEN", problem: "is needed when HOST is not loopback" });
  }
  const hasOpenAi = set.OPENAI_API_KEY !== undefined || set.OPENAI_BASE_URL !== undefined;
  if (hasOpenAi && set.OPENAI_MODEL === undefined) {
    const problem = "is needed with OPENAI_API_KEY or OPENAI_BASE_URL";
    conflicts.push({ name: "OPENAI_MODEL", problem });
  }
  return conflicts;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function describe(mistakes: readonly Mistake[]): string {
  const lines = mistakes.map(({ name, problem }) =>
    `  ${name} ${problem}; for example ${name}=${exampleOf(name)}`
  );
  return ["Cannot start as the configuration has mistakes:", ...lines].join("\n");
}
