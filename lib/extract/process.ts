/**
 * Starts sandboxed processes: no permission, no environment, no network, a
 * limit of memory and of processor time. Used for files and for queries.
 */
import { fileURLToPath } from "node:url";

/** Of address space for data; V8 and WebAssembly reserve about twice what they use. */
const MEMORY_BYTES = 1_500_000_000;
const HEAP_MB = 512;

/** Variables that parsing libraries look up as they load; none of them is set. */
const LOOKED_UP_VARIABLES = [
  "BLUEBIRD_DEBUG",
  "BLUEBIRD_LONG_STACK_TRACES",
  "BLUEBIRD_WARNINGS",
  "BLUEBIRD_W_FORGOTTEN_RETURN",
  "DEBUG",
  "NODE_ENV",
  "READABLE_STREAM",
];

/** Whether the system can bound a process's memory. */
export const limitsMemory: boolean = Deno.build.os === "linux";

/**
 * Starts `script` with its standard input and output as pipes.
 *
 * @param cpuSeconds the most processor time; it is killed after that
 */
export function startSandboxed(script: URL, cpuSeconds: number): Deno.ChildProcess {
  const deno = [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-remote",
    "--cached-only",
    "--no-check",
    `--config=${fileURLToPath(new URL("../../deno.json", import.meta.url))}`,
    `--allow-env=${LOOKED_UP_VARIABLES}`,
    "--unstable-raw-imports",
    `--v8-flags=--max-old-space-size=${HEAP_MB}`,
    fileURLToPath(script),
  ];
  const limits = [`--data=${MEMORY_BYTES}`, `--cpu=${cpuSeconds}`, "--", Deno.execPath()];
  const command = limitsMemory
    ? new Deno.Command("prlimit", { ...PIPES, args: [...limits, ...deno] })
    : new Deno.Command(Deno.execPath(), { ...PIPES, args: deno });
  return command.spawn();
}

/** Ends a process at once and frees its pipes; does nothing that has been done. */
export async function endProcess(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await Promise.all([
    process.stdin.locked ? undefined : process.stdin.abort().catch(() => {}),
    process.stdout.locked ? undefined : process.stdout.cancel().catch(() => {}),
  ]);
  await process.status;
}

const PIPES = {
  stdin: "piped",
  stdout: "piped",
  stderr: "null",
  clearEnv: true,
  env: environment(),
} as const;

/** Where the packages are, and nothing else of the environment. */
function environment(): Record<string, string> {
  const kept = ["DENO_DIR", "HOME", "PATH"].map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(
    kept.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
