/** The bot as a process of its own, started as its task starts it. */

const ROOT = new URL("../../", import.meta.url);

export interface BotProcess extends AsyncDisposable {
  /** Waits for a line of the log that matches. */
  logged(pattern: RegExp): Promise<string>;
  kill(signal: Deno.Signal): void;
  readonly exitCode: Promise<number>;
  readonly pid: number;
  /** All that it has logged so far. */
  readonly log: string;
}

/** Runs `main.ts` with the given environment, nothing else of this process's, and its task's permissions. */
export function startProcess(
  args: readonly string[],
  env: Record<string, string>,
): BotProcess {
  const settings = processSettings(env);
  const process = new Deno.Command(Deno.execPath(), {
    ...settings,
    args: [
      "run",
      "--quiet",
      "--permission-set=bot",
      ...permissions(settings, "bot"),
      "main.ts",
      ...args,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const waiting = new Set<() => void>();
  const reading = read();

  async function read(): Promise<void> {
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      for (const look of [...waiting]) look();
    }
  }
  const exitCode = process.status.then(({ code }) => code);

  return {
    get log() {
      return log;
    },
    exitCode,
    pid: process.pid,
    kill: (signal) => process.kill(signal),
    async logged(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = () => {
        const line = log.split("\n").find((each) => pattern.test(each));
        if (line !== undefined) resolve(line);
      };
      const timer = setTimeout(
        () => reject(new Error(`No ${pattern} in the log:\n${log}`)),
        30_000,
      );
      waiting.add(look);
      look();
      try {
        const ended = exitCode.then((code) => {
          throw new Error(`Ended with ${code} before ${pattern}:\n${log}`);
        });
        return await Promise.race([promise, ended]);
      } finally {
        clearTimeout(timer);
        waiting.delete(look);
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await exitCode;
      await reading;
    },
  };
}

/** Where and with what environment a task runs. */
export function processSettings(env: Record<string, string>): Deno.CommandOptions {
  return { cwd: ROOT, clearEnv: true, env: { ...pathsOf(), LOG_FORMAT: "text", ...env } };
}

/** What the task adds to its permission set for this environment. */
export function permissions(settings: Deno.CommandOptions, task: "bot" | "dead"): string[] {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    ...settings,
    args: ["run", "-q", "-P=permissions", "lib/config/permissions.ts", task],
    stdout: "piped",
    stderr: "inherit",
  }).outputSync();
  return new TextDecoder().decode(stdout).trim().split(" ");
}

function pathsOf(): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
