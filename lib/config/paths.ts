/**
 * Prints what a task may reach beyond the program's own folder, for its
 * permissions: `paths.ts read` and `write` name folders, and `net` names the
 * addresses of the demo, which talks to nobody outside of this machine.
 */
import { dirname, join, resolve } from "node:path";

const env = (name: string) => Deno.env.get(name)?.trim() || undefined;
const dataDir = env("DATA_DIR") ?? "./data";
const metricsLog = env("METRICS_LOG") ?? `${dataDir}/metrics.jsonl`;
const data = [resolve(dataDir), dirname(resolve(metricsLog))];
const plugins = (env("PLUGINS") ?? "").split(",").filter((name) => /^[./]/.test(name.trim()));
const readable = [packages(), ...data, ...plugins.map((name) => dirname(resolve(name.trim())))];

const socket = join(resolve(dataDir), "demo", "database", ".s.PGSQL.5432");
const net = ["127.0.0.1", `unix:${socket}`];

const lists: Record<string, readonly string[]> = { read: readable, write: data, net };
console.log([...new Set(lists[Deno.args[0] ?? ""])].join(","));

/** Where Deno keeps packages: the embedded database reads its own files there. */
function packages(): string {
  const home = env("HOME") ?? env("USERPROFILE") ?? "/";
  const caches = {
    darwin: join(home, "Library", "Caches"),
    windows: env("LOCALAPPDATA") ?? home,
  }[Deno.build.os as string] ?? env("XDG_CACHE_HOME") ?? join(home, ".cache");
  return join(env("DENO_DIR") ?? join(caches, "deno"), "npm");
}
