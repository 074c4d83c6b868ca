/**
 * Reads documents in processes that can do nothing else: no permission, no
 * environment, a memory limit and a time limit. Each reads one file and ends;
 * the next ones are started beforehand, so that a small file pays no start.
 */
import { z } from "zod";
import { DocumentRefusedError, type Extracted } from "../library.ts";
import type { ChildReply } from "./child.ts";

const MEMORY_BYTES = 1_000_000_000;
const HEAP_MB = 512;
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

export interface SandboxOptions {
  /** Processes kept warm, and files read at once. */
  size: number;
  /** The most time for one file, in milliseconds; also of the processor. */
  timeoutMs: number;
}

export interface Sandbox {
  /** Whether the system can bound a process's memory. */
  readonly limitsMemory: boolean;
  /**
   * Reads one file.
   *
   * @throws {DocumentRefusedError} with the reason why it cannot be read
   */
  extract(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<Extracted>;
  /** Ends all processes. */
  close(): Promise<void>;
}

export function createSandbox({ size, timeoutMs }: SandboxOptions): Sandbox {
  const limitsMemory = Deno.build.os === "linux";
  const warm: Deno.ChildProcess[] = [];
  const turns: (() => void)[] = [];
  let reading = 0;
  let closed = false;

  const fill = () => {
    while (!closed && warm.length < size) warm.push(spawn(limitsMemory, timeoutMs));
  };
  fill();

  async function takeTurn(signal: AbortSignal): Promise<void> {
    if (reading < size) {
      reading++;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      turns.splice(turns.indexOf(resolve), 1);
      reject(signal.reason);
    };
    turns.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", leave));
  }

  /** Hands the turn to the next in line, or gives it back. */
  function endTurn(): void {
    const next = turns.shift();
    if (next === undefined) reading--;
    else next();
  }

  return {
    limitsMemory,
    async extract(name, bytes, signal) {
      signal.throwIfAborted();
      await takeTurn(signal);
      const process = warm.shift() ?? spawn(limitsMemory, timeoutMs);
      const timeout = AbortSignal.timeout(timeoutMs);
      const stop = () => kill(process);
      const limits = AbortSignal.any([signal, timeout]);
      limits.addEventListener("abort", stop, { once: true });
      if (limits.aborted) stop();
      try {
        return await converse(process, name, bytes);
      } catch (error) {
        signal.throwIfAborted();
        if (!timeout.aborted) throw error;
        throw new DocumentRefusedError("too_slow", `reading took over ${timeoutMs} ms`);
      } finally {
        limits.removeEventListener("abort", stop);
        kill(process);
        await process.status;
        endTurn();
        fill();
      }
    },
    async close() {
      closed = true;
      await Promise.all(
        warm.splice(0).map(async (process) => {
          kill(process);
          await Promise.all([process.stdin.abort().catch(() => {}), process.stdout.cancel()]);
          await process.status;
        }),
      );
    },
  };
}

function spawn(limitsMemory: boolean, timeoutMs: number): Deno.ChildProcess {
  const deno = [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-remote",
    "--cached-only",
    "--no-check",
    `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
    `--allow-env=${LOOKED_UP_VARIABLES}`,
    "--unstable-raw-imports",
    `--v8-flags=--max-old-space-size=${HEAP_MB}`,
    new URL("./child.ts", import.meta.url).pathname,
  ];
  const seconds = Math.ceil(timeoutMs / 1_000);
  const limits = [`--data=${MEMORY_BYTES}`, `--cpu=${seconds}`, "--", Deno.execPath()];
  const command = limitsMemory
    ? new Deno.Command("prlimit", { ...PIPES, args: [...limits, ...deno] })
    : new Deno.Command(Deno.execPath(), { ...PIPES, args: deno });
  return command.spawn();
}

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

async function converse(
  process: Deno.ChildProcess,
  name: string,
  bytes: Uint8Array,
): Promise<Extracted> {
  const [output, status] = await Promise.all([
    readAll(process.stdout),
    process.status,
    // A process that has died takes no input; its status tells more.
    send(process.stdin, name, bytes).catch(() => {}),
  ]);
  if (!status.success) {
    throw new DocumentRefusedError(
      "too_complex",
      `its reader died (${status.signal ?? status.code})`,
    );
  }
  const reply: ChildReply = REPLY.parse(JSON.parse(output));
  if ("extracted" in reply) return reply.extracted;
  throw new DocumentRefusedError(reply.refused.reason, reply.refused.detail);
}

async function send(
  stdin: WritableStream<Uint8Array>,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const encoded = new TextEncoder().encode(name);
  const head = new Uint8Array(4 + encoded.length);
  new DataView(head.buffer).setUint32(0, encoded.length);
  head.set(encoded, 4);
  const writer = stdin.getWriter();
  await writer.write(head);
  await writer.write(bytes);
  await writer.close();
}

async function readAll(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_REPLY_BYTES) {
      throw new DocumentRefusedError("too_large", "its text is larger than can be taken");
    }
  }
  return text;
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

const count = z.number().int().nonnegative();

/** What a process may say: it has read a hostile file, so nothing of it is taken on trust. */
const REPLY: z.ZodType<ChildReply> = z.union([
  z.object({
    extracted: z.object({
      format: z.string(),
      unit: z.enum(["page", "sheet", "slide", "part", "minute"]),
      pages: count,
      tokens: count,
      passages: z.array(z.object({
        ordinal: count,
        page: count,
        heading: z.array(z.string()),
        text: z.string(),
        tokens: count,
        length: count,
      })),
      postings: z.array(z.object({
        term: z.string(),
        ordinals: z.array(count),
        counts: z.array(count),
      })),
    }),
  }),
  z.object({
    refused: z.object({
      reason: z.enum([
        "unsupported",
        "empty",
        "no_text",
        "encrypted",
        "damaged",
        "too_large",
        "too_slow",
        "too_complex",
      ]),
      detail: z.string(),
    }),
  }),
]);
