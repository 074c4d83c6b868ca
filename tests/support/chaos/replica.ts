/** A bot by webhook as a process of its own, started again whenever it ends, as an orchestrator does. */
import { type BotProcess, startProcess } from "../process.ts";

export const TOKEN = "4242:chaos";
const SECRET = "secret-of-the-webhook";
/** Nobody posts there: updates go where the test posts them. */
const WEBHOOK_URL = "http://127.0.0.1:9/telegram";
const PLUGIN = new URL("./numbers.ts", import.meta.url).pathname;
/** Telegram waits longer; an update that hangs is to show within the test. */
const POST_TIMEOUT_MS = 10_000;

export interface Update {
  update_id: number;
  message: Record<string, unknown>;
}

/** What happens before a new process; ends early when the signal aborts. */
export type Pause = (signal: AbortSignal) => Promise<unknown>;

export interface Replica extends AsyncDisposable {
  /** It has started, and nobody has killed it since. */
  readonly isUp: boolean;
  /** Resolves when it takes updates, again after a `kill()`. */
  ready(): Promise<void>;
  /** Posts an update; gives whether it was acknowledged by a 200. */
  post(update: Update): Promise<boolean>;
  /** `kill -9`; resolves when the process is gone, and it starts again after `pause`. */
  kill(pause: Pause): Promise<void>;
  /** Stops it by SIGTERM, not to start again; gives its exit code. */
  stop(): Promise<number>;
  /** What it tells an operator of its actors, or why it does not. */
  actors(): Promise<unknown>;
  readonly pid: number;
  /** What all of its processes have logged. */
  readonly log: string;
}

/** @param env what is its own: where it keeps things, and the servers that it uses */
export function startReplica(env: Record<string, string>): Replica {
  let bot = start();
  let url = "";
  let isUp = false;
  let isOver = false;
  let past = "";
  let pause: Pause = () => Promise.resolve();
  const ending = new AbortController();
  let up = Promise.withResolvers<void>();
  const living = live();

  function start(): BotProcess {
    return startProcess(["start"], {
      BOT_TOKEN: TOKEN,
      PORT: "0",
      WEBHOOK_URL,
      WEBHOOK_SECRET: SECRET,
      PLUGINS: PLUGIN,
      ...env,
    });
  }

  async function live(): Promise<void> {
    while (true) {
      await bot.logged(/Ready in/).then(() => {
        url = /\bhttp:\/\/127\.0\.0\.1:\d+/.exec(bot.log.split("HTTP: ").at(-1) ?? "")?.[0] ?? "";
        isUp = true;
        up.resolve();
      }, () => {
        // It has ended before, with a fault at its start, or hangs: it is tried again.
        return bot[Symbol.asyncDispose]();
      });
      await bot.exitCode;
      if (isUp) up = Promise.withResolvers();
      isUp = false;
      await bot[Symbol.asyncDispose]();
      past += bot.log;
      if (isOver) return;
      await pause(ending.signal);
      if (isOver) return;
      bot = start();
    }
  }

  const end = async () => {
    isOver = true;
    ending.abort();
    up.promise.catch(() => {});
    up.reject(new Error("Cannot wait for a replica that was stopped"));
    await living;
  };

  return {
    get isUp() {
      return isUp;
    },
    get pid() {
      return bot.pid;
    },
    get log() {
      return past + bot.log;
    },
    ready: () => up.promise,
    async post(update) {
      try {
        const response = await fetch(`${url}/telegram`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": SECRET,
          },
          body: JSON.stringify(update),
          signal: AbortSignal.timeout(POST_TIMEOUT_MS),
        });
        await response.body?.cancel();
        return response.status === 200;
      } catch {
        return false;
      }
    },
    async kill(nextPause) {
      pause = nextPause;
      isUp = false;
      up = Promise.withResolvers();
      bot.kill("SIGKILL");
      await bot.exitCode;
    },
    async actors() {
      const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
      return await fetch(`${url}/api/actors`, { signal }).then(
        (response) => response.json(),
        String,
      );
    },
    async stop() {
      isOver = true;
      bot.kill("SIGTERM");
      const code = await bot.exitCode;
      await end();
      return code;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await bot[Symbol.asyncDispose]();
      await end();
    },
  };
}

/** Resolves after so many milliseconds, or at once when the signal aborts. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
