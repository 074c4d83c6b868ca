/**
 * Prints the permissions of a task that depend on the machine and on what the
 * operator has set: `permissions.ts bot | demo | ask | eval | dead | test | bench`. The rest stands
 * in the permission sets of `deno.json`.
 */
import { MODEL_FOLDERS } from "../extract/models.ts";
import { dirname, join, resolve } from "node:path";

const EXIT_CONFIG = 78;

const env = (name: string) => Deno.env.get(name)?.trim() || undefined;
const dataDir = resolve(env("DATA_DIR") ?? "./data");
const metricsLog = resolve(env("METRICS_LOG") ?? join(dataDir, "metrics.jsonl"));
const data = [...new Set([dataDir, dirname(metricsLog)])];
const plugins = (env("PLUGINS") ?? "").split(",").map((name) => name.trim())
  .filter((name) => /^[./]/.test(name)).map((name) => dirname(resolve(name)));
const socket = join(dataDir, "demo", "database", ".s.PGSQL.5432");

const write = `--allow-write=${data.join(",")}`;
const read = `--allow-read=${[".", packages(), ...MODEL_FOLDERS, ...data, ...plugins].join(",")}`;
// The sandbox's limit of memory, and Deno itself, under the name by which it runs here.
const run = `--allow-run=prlimit,deno,${Deno.execPath()}`;
const flags: Record<string, readonly string[]> = {
  bot: [read, write, run],
  // The demo talks to nobody outside of this machine.
  demo: [read, write, run, `--allow-net=127.0.0.1,unix:${socket}`],
  ask: [write, run],
  eval: [run],
  dead: database(),
  // What Deno itself may not read of a process, `cat` may.
  test: [`${run},chromium,cat`],
  bench: [`${run},chromium,cat,ps,pdftotext,soffice`],
};

const wanted = flags[Deno.args[0] ?? ""] ?? [];
if (wanted.some((flag) => /\s/.test(flag))) {
  console.error("Cannot use a folder with a blank in its name: see DATA_DIR, METRICS_LOG, PLUGINS");
  Deno.exit(EXIT_CONFIG);
}
console.log(wanted.join(" "));

/** The one database that holds the dead letters, and nothing else. */
function database(): readonly string[] {
  const url = URL.parse(env("DATABASE_URL") ?? "");
  if (url !== null) return [`--allow-read=.`, `--allow-net=${url.hostname}:${url.port || 5432}`];
  const folder = join(dataDir, "database");
  return [
    `--allow-read=${[".", packages(), folder].join(",")}`,
    `--allow-write=${folder}`,
    `--allow-net=unix:${join(folder, ".s.PGSQL.5432")}`,
  ];
}

/** Where Deno keeps packages: the embedded database reads its own files there. */
function packages(): string {
  const home = env("HOME") ?? env("USERPROFILE") ?? "/";
  const caches = Deno.build.os === "darwin"
    ? join(home, "Library", "Caches")
    : Deno.build.os === "windows"
    ? env("LOCALAPPDATA") ?? home
    : env("XDG_CACHE_HOME") ?? join(home, ".cache");
  return join(env("DENO_DIR") ?? join(caches, "deno"), "npm");
}
