/**
 * One reader: a process without permissions that takes one file and tells what
 * it has read. It has read a hostile file, so nothing that it says is trusted.
 */
import { z } from "zod";
import { DocumentRefusedError, type Extracted } from "../library.ts";
import type { ChildReply } from "./child.ts";

const MEMORY_BYTES = 1_000_000_000;
const HEAP_MB = 512;
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

/** Starts a reader that loads its libraries while it waits for its file. */
export function startReader(limitsMemory: boolean, timeoutMs: number): Deno.ChildProcess {
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

/**
 * Gives a reader its file and waits for its end.
 *
 * @throws {DocumentRefusedError} when it refuses the file or dies of it
 */
export async function readFile(
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

/** Ends a reader at once; does nothing if it has ended. */
export function endReader(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

const count = z.number().int().nonnegative();

/** What a reader may say. */
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
