/**
 * Logs: one line a record on standard error, so that standard output stays for
 * answers. Secrets are replaced in the finished line, where none can slip by:
 * not in a property, not in an error's stack, not from a library's own log.
 */
import {
  configureSync,
  getConsoleSink,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogLevel,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";

const HIDDEN = "•••";
const TO_STDERR = {
  trace: "error",
  debug: "error",
  info: "error",
  warning: "error",
  error: "error",
  fatal: "error",
} as const;

/** How and what to log. */
export interface LogOptions {
  /** Records below it are dropped. */
  level: LogLevel;
  /** Absent: text on a terminal, else JSON lines. */
  format?: "text" | "json" | undefined;
  /** Texts that must not be seen; replaced wherever they stand, URL-encoded too. */
  secrets: readonly string[];
}

/** Sets up the logs of the whole process, in place of an earlier setup. */
export function configureLogging({ level, format, secrets }: LogOptions): void {
  const formatter = lineFormatter(
    format ?? (Deno.stderr.isTerminal() ? "text" : "json"),
    secrets,
  );
  configureSync({
    reset: true,
    sinks: { stderr: getConsoleSink({ formatter, levelMap: TO_STDERR }) },
    loggers: [
      { category: [], lowestLevel: level, sinks: ["stderr"] },
      // LogTape tells of its own setup at level info.
      { category: ["logtape", "meta"], lowestLevel: "warning" },
    ],
  });
}

/** The logger of a part of the program, such as `queue`. Silent until `configureLogging`. */
export function logger(category: string): Logger {
  return getLogger(category);
}

/** Makes the line of a record, without any of the secrets. */
export function lineFormatter(
  format: "text" | "json",
  secrets: readonly string[],
): TextFormatter {
  const redact = redactor(secrets);
  const json = getJsonLinesFormatter();
  return format === "text"
    ? (record) => redact(formatText(record))
    : (record) => redactStrings(json(record), redact);
}

const formatMessage = getTextFormatter({ timestamp: "rfc3339", value: "bare", category: "." });

/** The message, and after it the properties that it does not speak of. */
function formatText(record: LogRecord): string {
  const line = formatMessage(record).trimEnd();
  const template = typeof record.rawMessage === "string" ? record.rawMessage : "";
  const unsaid = Object.entries(record.properties).filter(([key]) =>
    !template.includes(`{${key}}`)
  );
  return unsaid.length === 0 ? line : `${line} ${Deno.inspect(Object.fromEntries(unsaid))}`;
}

const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;

/** Redacts inside the strings of a JSON text alone, so that it stays JSON whatever a secret is. */
function redactStrings(json: string, redact: (text: string) => string): string {
  return json.replace(JSON_STRING, (literal) => {
    const text: string = JSON.parse(literal);
    const redacted = redact(text);
    return redacted === text ? literal : JSON.stringify(redacted);
  });
}

function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    // As it stands in a value that was rendered with quotes.
    JSON.stringify(secret).slice(1, -1),
  ]));
  forms.delete("");
  if (forms.size === 0) return (text) => text;
  // The longest first: a secret may hold another one.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(ordered.map((form) => RegExp.escape(form)).join("|"), "g");
  return (text) => text.replace(pattern, HIDDEN);
}
