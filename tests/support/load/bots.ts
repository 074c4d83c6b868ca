/** The bots under load, each a process of its own: ours, and the bare one beside it. */
import { processSettings, startProcess } from "../process.ts";
import { cpuMs } from "./cpu.ts";
import { SECRET, TOKEN } from "./telegram.ts";

const PLUGINS = ["../chaos/numbers.ts", "./heap.ts"]
  .map((path) => new URL(path, import.meta.url).pathname);
const BARE = new URL("./bare_bot.ts", import.meta.url).pathname;
/** Nobody posts there: updates go where the load posts them. */
const WEBHOOK_URL = "http://127.0.0.1:9/telegram";
const HOST = /\bhttp:\/\/(127\.0\.0\.1:\d+)/;

export interface LoadedBot extends AsyncDisposable {
  /** Where it takes updates, with its port. */
  readonly host: string;
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** CPU time that it has used so far, in milliseconds. */
  cpuMs(): Promise<number>;
}

/** @param env where it keeps things */
export async function startOurs(
  apiRoot: string,
  env: Record<string, string>,
): Promise<LoadedBot> {
  const bot = startProcess(["start"], {
    BOT_TOKEN: TOKEN,
    BOT_API_ROOT: apiRoot,
    PORT: "0",
    WEBHOOK_URL,
    WEBHOOK_SECRET: SECRET,
    PLUGINS: PLUGINS.join(","),
    ...env,
  });
  await bot.logged(/Ready in/);
  const host = HOST.exec(await bot.logged(/HTTP: /))?.[1] ?? "";
  return {
    host,
    pid: bot.pid,
    kill: (signal) => bot.kill(signal),
    cpuMs: () => cpuMs(bot.pid),
    async [Symbol.asyncDispose]() {
      // In order, that its readers end as well.
      bot.kill("SIGTERM");
      await bot.exitCode;
      await bot[Symbol.asyncDispose]();
    },
  };
}

export async function startBare(apiRoot: string): Promise<LoadedBot> {
  const process = new Deno.Command(Deno.execPath(), {
    ...processSettings({}),
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--allow-net",
      "--allow-env",
      BARE,
      apiRoot,
      TOKEN,
      SECRET,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  while (!HOST.test(log)) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`Cannot start the bare bot:\n${log}`);
    log += value;
  }
  return {
    host: HOST.exec(log)?.[1] ?? "",
    pid: process.pid,
    kill: (signal) => process.kill(signal),
    cpuMs: () => cpuMs(process.pid),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await lines.cancel();
    },
  };
}
