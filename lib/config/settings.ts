/**
 * The settings as the program speaks of them, made from the checked values of
 * the variables: the only place that knows which variable feeds which setting.
 */
import type { Values } from "./variables.ts";

const OPENAI_API = "https://api.openai.com/v1";
const BYTES_PER_MB = 1024 * 1024;

/** What the operator has set, in the words of the program. An absent key: not configured. */
export interface Config {
  readonly telegram: {
    readonly token?: string;
    /** Base URL of the Bot API server, without a slash at its end. */
    readonly apiRoot: string;
    /** Present: updates come by webhook; absent: by long polling. */
    readonly webhook?: { readonly url: string; readonly secret: string };
  };
  readonly gemini?: {
    readonly apiKey: string;
    readonly model: string;
    /** Absent: it is taken not to speak. */
    readonly speechModel?: string;
    readonly baseUrl?: string;
    /** Absent: retrieval is lexical alone. */
    readonly embeddingModel?: string;
  };
  /** An OpenAI-compatible server; a local one may need no key. */
  readonly openai?: {
    readonly apiKey?: string;
    readonly baseUrl: string;
    readonly model: string;
    /** Absent: the server is taken not to hear. */
    readonly transcribeModel?: string;
    /** Absent: the server is taken not to speak. */
    readonly speech?: { readonly model: string; readonly voice: string };
    /** Absent: retrieval is lexical alone. */
    readonly embeddingModel?: string;
  };
  /** Absent URL: the embedded PostgreSQL. */
  readonly database: { readonly url?: string };
  /** Absent URL: the cache is in the process. */
  readonly redis: { readonly url?: string };
  readonly dataDir: string;
  readonly http: { readonly host: string; readonly port: number; readonly token?: string };
  readonly access: {
    readonly adminIds: readonly number[];
    /** Absent: everybody may use the bot. */
    readonly allowedIds?: readonly number[];
  };
  /** Paths or `npm:` names. */
  readonly plugins: readonly string[];
  readonly cacheTtlSeconds: number;
  readonly contextTokens: number;
  readonly ai: {
    readonly timeoutMs: number;
    readonly retryBaseMs: number;
    /** Retries after the first call. */
    readonly attempts: number;
    readonly concurrency: number;
  };
  /** For each user; 0 means no limit. */
  readonly quotas: {
    readonly dailyQuestions: number;
    readonly dailyTokens: number;
    readonly ratePerMinute: number;
  };
  readonly maxFileBytes: number;
  /** Of each user; 0 means no limit. */
  readonly library: {
    readonly maxDocuments: number;
    readonly maxBytes: number;
    /** Whether files can be sent back. */
    readonly keepsOriginals: boolean;
  };
  /** Days that questions and answers are kept; 0 means for ever. */
  readonly keepTurnsDays: number;
  readonly shutdownGraceMs: number;
  readonly log: {
    readonly level: "debug" | "info" | "warning" | "error";
    /** Absent: text on a terminal, else JSON. */
    readonly format?: "text" | "json";
  };
  /** File of the metrics summary. */
  readonly metricsLog: string;
}

/** The settings that checked variables stand for. */
export function toConfig(v: Values): Config {
  return {
    telegram: known({
      token: v.BOT_TOKEN,
      apiRoot: v.BOT_API_ROOT,
      webhook: v.WEBHOOK_URL !== undefined && v.WEBHOOK_SECRET !== undefined
        ? { url: v.WEBHOOK_URL, secret: v.WEBHOOK_SECRET }
        : undefined,
    }),
    ...known({ gemini: toGemini(v), openai: toOpenAi(v) }),
    database: known({ url: v.DATABASE_URL }),
    redis: known({ url: v.REDIS_URL }),
    dataDir: v.DATA_DIR,
    http: known({ host: v.HOST, port: v.PORT, token: v.HTTP_TOKEN }),
    access: known({ adminIds: v.ADMIN_IDS ?? [], allowedIds: v.ALLOWED_IDS }),
    plugins: v.PLUGINS ?? [],
    cacheTtlSeconds: v.CACHE_TTL_S,
    contextTokens: v.CONTEXT_TOKENS,
    ai: {
      timeoutMs: v.AI_TIMEOUT_MS,
      retryBaseMs: v.AI_RETRY_BASE_MS,
      attempts: v.AI_ATTEMPTS,
      concurrency: v.AI_CONCURRENCY,
    },
    quotas: {
      dailyQuestions: v.USER_DAILY_QUESTIONS,
      dailyTokens: v.USER_DAILY_TOKENS,
      ratePerMinute: v.USER_RATE_PER_MIN,
    },
    maxFileBytes: v.MAX_FILE_MB * BYTES_PER_MB,
    library: {
      maxDocuments: v.USER_MAX_FILES,
      maxBytes: v.USER_MAX_MB * BYTES_PER_MB,
      keepsOriginals: v.KEEP_ORIGINALS,
    },
    keepTurnsDays: v.KEEP_TURNS_DAYS,
    shutdownGraceMs: v.SHUTDOWN_GRACE_MS,
    log: known({ level: v.LOG_LEVEL, format: v.LOG_FORMAT }),
    metricsLog: v.METRICS_LOG ?? `${v.DATA_DIR}/metrics.jsonl`,
  };
}

function toGemini(v: Values): Config["gemini"] {
  if (v.GEMINI_API_KEY === undefined) return undefined;
  return known({
    apiKey: v.GEMINI_API_KEY,
    model: v.GEMINI_MODEL,
    speechModel: v.GEMINI_SPEECH_MODEL,
    baseUrl: v.GEMINI_BASE_URL,
    embeddingModel: v.GEMINI_EMBEDDING_MODEL || undefined,
  });
}

function toOpenAi(v: Values): Config["openai"] {
  if (v.OPENAI_MODEL === undefined) return undefined;
  if (v.OPENAI_API_KEY === undefined && v.OPENAI_BASE_URL === undefined) return undefined;
  return known({
    apiKey: v.OPENAI_API_KEY,
    baseUrl: v.OPENAI_BASE_URL ?? OPENAI_API,
    model: v.OPENAI_MODEL,
    transcribeModel: v.OPENAI_TRANSCRIBE_MODEL,
    speech: v.OPENAI_SPEECH_MODEL === undefined
      ? undefined
      : { model: v.OPENAI_SPEECH_MODEL, voice: v.OPENAI_SPEECH_VOICE },
    embeddingModel: v.OPENAI_EMBEDDING_MODEL,
  });
}

type Known<T> =
  & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
  & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** `entries` without the keys that have no value, as `exactOptionalPropertyTypes` wants. */
function known<T extends object>(entries: T): Known<T> {
  const present = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Known<T>;
}
