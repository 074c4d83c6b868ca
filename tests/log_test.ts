/** Logs: where they go, what they look like, and that no secret is in them. */
import assert from "node:assert/strict";
import { configureSync, getLogger, type LogRecord, resetSync } from "@logtape/logtape";
import fc from "fast-check";
import { configureLogging, lineFormatter, logger } from "../lib/log.ts";

/** The records that `write` logs, as LogTape hands them to a formatter. */
function recordsOf(write: (log: ReturnType<typeof getLogger>) => void): LogRecord[] {
  const records: LogRecord[] = [];
  configureSync({
    sinks: { memory: (record) => void records.push(record) },
    loggers: [
      { category: "test", lowestLevel: "trace", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  try {
    write(logger("test"));
  } finally {
    resetSync();
  }
  return records;
}

function linesOf(
  format: "text" | "json",
  secrets: readonly string[],
  write: (log: ReturnType<typeof getLogger>) => void,
): string {
  return recordsOf(write).map(lineFormatter(format, secrets)).join("\n");
}

Deno.test("a JSON line holds time, level, message, logger and properties", () => {
  const line = linesOf("json", [], (log) => log.warn("Queue is at {size}", { size: 5, chat: 7 }));
  const { "@timestamp": time, ...rest } = JSON.parse(line);
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(rest, {
    level: "WARN",
    message: "Queue is at 5",
    logger: "test",
    properties: { size: 5, chat: 7 },
  });
});

Deno.test("a text line reads well and adds what the message does not say", () => {
  const line = linesOf("text", [], (log) => log.info("Read {name}", { name: "a.pdf", pages: 3 }));
  assert.match(line, /^\d{4}-\S+Z \[INF\] test: Read a\.pdf \{ pages: 3 \}$/);
});

Deno.test("an error comes with its stack and its cause", () => {
  const error = new Error("outer", { cause: new Error("inner") });
  const text = linesOf("text", [], (log) => log.error("Failed: {error}", { error }));
  assert.match(text, /Failed: Error: outer\n +at .*log_test/);
  assert.match(text, /inner/);
  assert.match(linesOf("text", [], (log) => log.error(error)), /log_test/);
  const { properties } = JSON.parse(linesOf("json", [], (log) => log.error("Failed", { error })));
  assert.match(properties.error.stack, /log_test/);
  assert.equal(properties.error.cause.message, "inner");
});

Deno.test("a secret is hidden in messages, properties, keys, stacks and URLs", () => {
  const token = "123456:AA-bb_cc";
  const error = new Error(`fetch of /bot${token}/getMe failed`, { cause: { token } });
  for (const format of ["text", "json"] as const) {
    const line = linesOf(format, [token], (log) => {
      log.error(`Raw ${token}, bare {token}, nested {nested}: {error}`, {
        token,
        nested: { list: [token], [token]: 1 },
        error,
        url: `https://proxy/?to=${encodeURIComponent(token)}`,
      });
      log.error(error);
    });
    assert.ok(!line.includes("AA-bb_cc"), line);
    assert.ok(line.includes("/bot•••/getMe"), line);
    assert.ok(line.includes("?to=•••"), line);
  }
});

Deno.test("a secret that holds another one is hidden whole", () => {
  const line = linesOf("text", ["abc", "abcdef"], (log) => log.info("key abcdef, key abc"));
  assert.match(line, /key •••, key •••$/);
});

Deno.test("no secret is in a line, and a JSON line stays JSON, whatever the secret is", () => {
  const anySecret = fc.string({ minLength: 1, maxLength: 12 });
  fc.assert(fc.property(anySecret, (secret) => {
    const strings: string[] = [];
    const line = linesOf("json", [secret], (log) => log.info("x {secret}", { secret, n: 12345 }));
    JSON.parse(
      line,
      (key, value) => void strings.push(key, typeof value === "string" ? value : ""),
    );
    assert.ok(strings.includes("•••"));
    assert.ok(!strings.some((text) => text.includes(secret)), line);
  }));
});

Deno.test("the process logs to standard error, from the level on", async () => {
  const source = `
    import { configureLogging, logger } from ${
    JSON.stringify(new URL("../lib/log.ts", import.meta.url).href)
  };
    configureLogging({ level: "warning", secrets: ["hush"] });
    logger("a").info("too low");
    logger("b").warn("50% of hush");
    console.log("the answer");`;
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["eval", source],
    cwd: new URL("..", import.meta.url),
  }).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(output.stdout), "the answer\n");
  const lines = decoder.decode(output.stderr).split("\n").filter((line) => line.startsWith("{"));
  assert.equal(lines.length, 1);
  assert.equal(JSON.parse(lines[0] ?? "").message, "50% of •••");
});

Deno.test("logging can be set up again", () => {
  try {
    configureLogging({ level: "error", format: "json", secrets: [] });
    configureLogging({ level: "fatal", format: "text", secrets: [] });
    assert.equal(getLogger("any").isEnabledFor("error"), false);
  } finally {
    resetSync();
  }
});
