/**
 * The environment variables: each with its rule, its default and an example.
 * One table, so that the check, the messages and `.env.example` agree.
 */
import { z } from "zod";

/** The checked values of all variables; defaults are filled in. */
export type Values = z.output<typeof VARIABLES>;
/** Names as they stand in the environment. */
export type VariableName = keyof Values;

/** Rules of all variables, in the order of `.env.example`. */
export const VARIABLES = z.object({
  BOT_TOKEN: optional(
    text(/^[\w:-]+$/, "the token as @BotFather gave it"),
    "123456789:the-part-after-the-colon",
  ),
  BOT_API_ROOT: preset(baseUrl(), "https://api.telegram.org"),
  WEBHOOK_URL: optional(url("https:", "http:"), "https://bot.example.org/telegram"),
  WEBHOOK_SECRET: optional(
    text(/^[A-Za-z0-9_-]{1,256}$/, "1 to 256 of A-Z, a-z, 0-9, _ and -"),
    "some-long-random-text",
  ),
  GEMINI_API_KEY: optional(word(), "the-key-from-ai-studio"),
  GEMINI_MODEL: preset(word(), "gemini-pro-latest"),
  GEMINI_SPEECH_MODEL: optional(word(), "gemini-3.8-flash-tts"),
  GEMINI_BASE_URL: optional(baseUrl(), "https://generativelanguage.googleapis.com"),
  GEMINI_EMBEDDING_MODEL: preset(text(/^\S*$/, "one word, or empty"), "gemini-embedding-001"),
  OPENAI_API_KEY: optional(word(), "the-key-of-the-server"),
  OPENAI_BASE_URL: optional(baseUrl(), "http://127.0.0.1:11434/v1"),
  OPENAI_MODEL: optional(word(), "qwen3:8b"),
  OPENAI_TRANSCRIBE_MODEL: optional(word(), "whisper-1"),
  OPENAI_SPEECH_MODEL: optional(word(), "tts-1"),
  OPENAI_SPEECH_VOICE: preset(word(), "alloy"),
  OPENAI_EMBEDDING_MODEL: optional(word(), "text-embedding-3-small"),
  DATABASE_URL: optional(
    url("postgres:", "postgresql:"),
    "postgres://bot:password@127.0.0.1:5432/bot",
  ),
  REDIS_URL: optional(url("redis:", "rediss:"), "redis://127.0.0.1:6379"),
  DATA_DIR: preset(z.string(), "./data"),
  HOST: preset(text(/^[\w.:-]+$/, "an address or a host name"), "127.0.0.1"),
  PORT: preset(whole(0, 65_535), 8080),
  // What a bearer token may consist of: RFC 6750, section 2.1.
  HTTP_TOKEN: optional(
    text(/^[\w.~+/-]+=*$/, "letters, digits and any of -._~+/ without spaces"),
    "another-long-random-text",
  ),
  ADMIN_IDS: optional(userIds(), "123456789,987654321"),
  ALLOWED_IDS: optional(userIds(), "123456789,987654321"),
  PLUGINS: optional(
    list(/^\S+$/, "paths or npm: names"),
    "./plugins/mine.ts,npm:some-plugin@1.0.0",
  ),
  CACHE_TTL_S: preset(whole(1, 2_592_000), 3_600),
  CONTEXT_TOKENS: preset(whole(100, 2_000_000), 25_000),
  AI_TIMEOUT_MS: preset(whole(1, 600_000), 60_000),
  AI_RETRY_BASE_MS: preset(whole(0, 60_000), 2_000),
  AI_ATTEMPTS: preset(whole(0, 10), 3),
  AI_CONCURRENCY: preset(whole(1, 100), 8),
  USER_DAILY_QUESTIONS: preset(whole(0, 1_000_000), 0),
  USER_DAILY_TOKENS: preset(whole(0, 1_000_000_000), 0),
  USER_RATE_PER_MIN: preset(whole(0, 10_000), 20),
  USER_MAX_FILES: preset(whole(0, 1_000_000), 1_000),
  USER_MAX_MB: preset(whole(0, 10_000_000), 2_000),
  KEEP_ORIGINALS: preset(z.stringbool("must be true or false"), true),
  KEEP_TURNS_DAYS: preset(whole(0, 36_500), 0),
  MAX_FILE_MB: preset(whole(1, 2_000), 20),
  SHUTDOWN_GRACE_MS: preset(whole(0, 600_000), 10_000),
  LOG_LEVEL: preset(
    z.enum(["debug", "info", "warning", "error"], "must be debug, info, warning or error"),
    "info",
  ),
  LOG_FORMAT: optional(z.enum(["text", "json"], "must be text or json"), "json"),
  METRICS_LOG: optional(z.string(), "./data/metrics.jsonl"),
});

/** Names in the same order. */
export const VARIABLE_NAMES = Object.keys(VARIABLES.shape) as VariableName[];

/** A good value for `name`, to show to whoever set a wrong one. Never a real secret. */
export function exampleOf(name: VariableName): string {
  return String(VARIABLES.shape[name].meta()?.example);
}

function optional<S extends z.ZodType>(rule: S, example: string) {
  return rule.optional().meta({ example });
}

function preset<S extends z.ZodType>(rule: S, value: z.core.util.NoUndefined<z.output<S>>) {
  return rule.default(value).meta({ example: value });
}

function text(rule: RegExp, what: string) {
  return z.string().regex(rule, `must be ${what}`);
}

function word() {
  return text(/^\S+$/, "one word");
}

function whole(min: number, max: number) {
  const problem = `must be a whole number from ${min} to ${max}`;
  return z.string().regex(/^\d+$/, { error: problem, abort: true }).transform(Number)
    .pipe(z.number().min(min, problem).max(max, problem));
}

/** `protocols` are written as in `URL`, with the colon. */
function url(...protocols: string[]) {
  const starts = protocols.map((protocol) => `${protocol}//`).join(" or ");
  return z.string().refine((value) => {
    const parsed = URL.parse(value);
    return parsed !== null && protocols.includes(parsed.protocol) && isEncoded(parsed.password);
  }, `must be a URL that begins with ${starts} and has special characters %-encoded`);
}

/** A URL to which paths are added, so without a slash at its end. */
function baseUrl() {
  return url("https:", "http:").transform((value) => value.replace(/\/+$/, ""));
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function list(item: RegExp, what: string) {
  return z.string().transform((value) => value.split(",").map((part) => part.trim()))
    .refine((parts) => parts.every((part) => item.test(part)), `must be ${what}, comma-separated`);
}

function userIds() {
  return list(/^[1-9]\d{0,14}$/, "Telegram user ids").transform((ids) => ids.map(Number));
}
