/** The configuration: defaults, every mistake at once, and secrets that stay secret. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, readConfig, requireBotToken, secretsOf } from "../lib/config.ts";
import { VARIABLE_NAMES } from "../lib/config/variables.ts";

function mistakesOf(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  assert.fail("the configuration was taken");
}

Deno.test("an empty environment gives the documented defaults", () => {
  assert.deepEqual(readConfig({}), {
    telegram: { apiRoot: "https://api.telegram.org" },
    database: {},
    redis: {},
    dataDir: "./data",
    http: { host: "127.0.0.1", port: 8080 },
    access: { adminIds: [] },
    plugins: [],
    cacheTtlSeconds: 3600,
    contextTokens: 25_000,
    ai: { timeoutMs: 60_000, retryBaseMs: 2_000, attempts: 3, concurrency: 8 },
    quotas: { dailyQuestions: 0, dailyTokens: 0, ratePerMinute: 20 },
    maxFileBytes: 20 * 1024 * 1024,
    library: { maxDocuments: 1_000, maxBytes: 2_000 * 1024 * 1024, keepsOriginals: true },
    keepTurnsDays: 0,
    shutdownGraceMs: 10_000,
    log: { level: "info" },
    metricsLog: "./data/metrics.jsonl",
  });
});

Deno.test("every variable reaches its setting", () => {
  const config = readConfig({
    BOT_TOKEN: "123:abc",
    BOT_API_ROOT: "http://127.0.0.1:8081/",
    WEBHOOK_URL: "https://bot.example.org/telegram",
    WEBHOOK_SECRET: "s-1_A",
    GEMINI_API_KEY: "g",
    GEMINI_MODEL: "gm",
    GEMINI_SPEECH_MODEL: "gs",
    GEMINI_BASE_URL: "http://127.0.0.1:1",
    GEMINI_EMBEDDING_MODEL: "ge",
    OPENAI_API_KEY: "o",
    OPENAI_BASE_URL: "http://127.0.0.1:2/v1",
    OPENAI_MODEL: "om",
    OPENAI_TRANSCRIBE_MODEL: "ot",
    OPENAI_SPEECH_MODEL: "os",
    OPENAI_SPEECH_VOICE: "ov",
    OPENAI_EMBEDDING_MODEL: "oe",
    DATABASE_URL: "postgres://u:p@db/x",
    REDIS_URL: "rediss://:q@cache:6380",
    DATA_DIR: "/var/bot",
    HOST: "0.0.0.0",
    PORT: "0",
    HTTP_TOKEN: "t",
    ADMIN_IDS: "1, 2",
    ALLOWED_IDS: "3",
    PLUGINS: "./a.ts,npm:b@1",
    CACHE_TTL_S: "60",
    CONTEXT_TOKENS: "1000",
    AI_TIMEOUT_MS: "50",
    AI_RETRY_BASE_MS: "1",
    AI_ATTEMPTS: "0",
    AI_CONCURRENCY: "2",
    USER_DAILY_QUESTIONS: "5",
    USER_DAILY_TOKENS: "7",
    USER_RATE_PER_MIN: "6",
    USER_MAX_FILES: "7",
    USER_MAX_MB: "8",
    KEEP_ORIGINALS: "false",
    MAX_FILE_MB: "1",
    KEEP_TURNS_DAYS: "30",
    SHUTDOWN_GRACE_MS: "100",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    METRICS_LOG: "/tmp/m.jsonl",
  });
  assert.deepEqual(config, {
    telegram: {
      token: "123:abc",
      apiRoot: "http://127.0.0.1:8081",
      webhook: { url: "https://bot.example.org/telegram", secret: "s-1_A" },
    },
    gemini: {
      apiKey: "g",
      model: "gm",
      speechModel: "gs",
      baseUrl: "http://127.0.0.1:1",
      embeddingModel: "ge",
    },
    openai: {
      apiKey: "o",
      baseUrl: "http://127.0.0.1:2/v1",
      model: "om",
      transcribeModel: "ot",
      speech: { model: "os", voice: "ov" },
      embeddingModel: "oe",
    },
    database: { url: "postgres://u:p@db/x" },
    redis: { url: "rediss://:q@cache:6380" },
    dataDir: "/var/bot",
    http: { host: "0.0.0.0", port: 0, token: "t" },
    access: { adminIds: [1, 2], allowedIds: [3] },
    plugins: ["./a.ts", "npm:b@1"],
    cacheTtlSeconds: 60,
    contextTokens: 1000,
    ai: { timeoutMs: 50, retryBaseMs: 1, attempts: 0, concurrency: 2 },
    quotas: { dailyQuestions: 5, dailyTokens: 7, ratePerMinute: 6 },
    maxFileBytes: 1024 * 1024,
    library: { maxDocuments: 7, maxBytes: 8 * 1024 * 1024, keepsOriginals: false },
    keepTurnsDays: 30,
    shutdownGraceMs: 100,
    log: { level: "debug", format: "json" },
    metricsLog: "/tmp/m.jsonl",
  });
});

Deno.test("a variable set to nothing is not set", () => {
  const empty = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, " "]));
  assert.deepEqual(readConfig(empty), readConfig({}));
});

Deno.test("an empty embedding model means lexical search alone, an unset one the default", () => {
  const env = { GEMINI_API_KEY: "g" };
  assert.equal(readConfig(env).gemini?.embeddingModel, "gemini-embedding-001");
  const without = readConfig({ ...env, GEMINI_EMBEDDING_MODEL: "" }).gemini;
  assert.ok(without !== undefined && !("embeddingModel" in without));
});

Deno.test("a local OpenAI-compatible server needs no key, but a model", () => {
  const env = { OPENAI_BASE_URL: "http://127.0.0.1:11434/v1/" };
  assert.match(mistakesOf(env), /OPENAI_MODEL is needed/);
  const config = readConfig({ ...env, OPENAI_MODEL: "m" });
  assert.deepEqual(config.openai, { baseUrl: "http://127.0.0.1:11434/v1", model: "m" });
});

Deno.test("the metrics log follows the data folder", () => {
  assert.equal(readConfig({ DATA_DIR: "/var/bot" }).metricsLog, "/var/bot/metrics.jsonl");
});

Deno.test("all mistakes stand in one message, each with an example", () => {
  const message = mistakesOf({
    PORT: "eighty",
    CACHE_TTL_S: "-1",
    AI_CONCURRENCY: "1e9",
    DATABASE_URL: "mysql://db",
    REDIS_URL: "nonsense",
    WEBHOOK_URL: "ftp://bot",
    HOST: "0.0.0.0",
    ADMIN_IDS: "1,me",
    LOG_LEVEL: "loud",
  });
  for (const name of ["PORT", "CACHE_TTL_S", "AI_CONCURRENCY", "DATABASE_URL", "REDIS_URL"]) {
    assert.match(message, new RegExp(`^  ${name} must be .*; for example ${name}=.`, "m"));
  }
  for (const name of ["WEBHOOK_URL", "WEBHOOK_SECRET", "HTTP_TOKEN", "ADMIN_IDS", "LOG_LEVEL"]) {
    assert.match(message, new RegExp(`^  ${name} .*; for example ${name}=.`, "m"));
  }
  assert.equal(message.split("\n").length, 11);
});

Deno.test("every example in a message is itself a good value", () => {
  const wrong = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, "\u0001 \u0001"]));
  const examples = [...mistakesOf(wrong).matchAll(/; for example (\w+)=(.*)$/gm)];
  assert.ok(examples.length > 25);
  readConfig(Object.fromEntries(examples.map(([, name, example]) => [name, example])));
});

Deno.test("no message shows a value", () => {
  const anyName = fc.constantFrom(...VARIABLE_NAMES);
  const secret = fc.stringMatching(/^hidden[a-z]{6} [a-z]{3}$/);
  fc.assert(fc.property(anyName, secret, (name, value) => {
    try {
      readConfig({ [name]: value });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      assert.ok(!error.message.includes(value.slice(0, 12)));
    }
  }));
});

Deno.test("a webhook without a secret, or with a bad one, is refused", () => {
  const env = { WEBHOOK_URL: "https://bot.example.org/t" };
  assert.match(mistakesOf(env), /WEBHOOK_SECRET is needed with WEBHOOK_URL/);
  for (const secret of ["with space", "ü", "a".repeat(257)]) {
    assert.match(mistakesOf({ ...env, WEBHOOK_SECRET: secret }), /WEBHOOK_SECRET must be/);
  }
  readConfig({ ...env, WEBHOOK_SECRET: "a".repeat(256) });
});

Deno.test("a server that others can reach needs a token, a loopback one does not", () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "bot.example.org", "127.evil.org"]) {
    assert.match(mistakesOf({ HOST: host }), /HTTP_TOKEN is needed when HOST is not loopback/);
  }
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) readConfig({ HOST: host });
});

Deno.test("start without a token names BOT_TOKEN and the demo in one line", () => {
  assert.throws(
    () => requireBotToken(readConfig({})),
    (error) =>
      error instanceof ConfigError && /BOT_TOKEN.*deno task demo/.test(error.message) &&
      !error.message.includes("\n"),
  );
  assert.equal(requireBotToken(readConfig({ BOT_TOKEN: "1:a" })), "1:a");
});

Deno.test("the secrets are tokens, keys and passwords, encoded and decoded", () => {
  const config = readConfig({
    BOT_TOKEN: "1:bot",
    WEBHOOK_URL: "https://bot.example.org/t",
    WEBHOOK_SECRET: "hook",
    GEMINI_API_KEY: "gem",
    OPENAI_API_KEY: "open",
    OPENAI_MODEL: "m",
    HTTP_TOKEN: "bearer",
    DATABASE_URL: "postgres://u:p%40ss@db/x",
    REDIS_URL: "redis://cache",
  });
  const secrets = ["1:bot", "hook", "gem", "open", "bearer", "p%40ss", "p@ss"];
  assert.deepEqual(secretsOf(config).sort(), secrets.sort());
  assert.deepEqual(secretsOf(readConfig({})), []);
});

Deno.test(".env.example explains every variable, and shows only good values", async () => {
  const text = await Deno.readTextFile(new URL("../.env.example", import.meta.url));
  const shown = [...text.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)];
  assert.deepEqual(shown.map(([, name]) => name), VARIABLE_NAMES);
  for (const name of VARIABLE_NAMES) {
    assert.match(text, new RegExp(`^# [^=]{10,}\\n(?:# )?${name}=`, "m"), name);
  }
  readConfig(Object.fromEntries(shown.map(([, name, value]) => [name, value])));
});
