/**
 * Has recordings taken out of their containers by sandboxed processes, each for
 * one file. All parts of a file are taken at once, as they are no more than its
 * sound, while a process that waited for the AI would hold more. It has read a
 * hostile file, so nothing that it says is trusted.
 */
import { z } from "zod";
import { createByteBudget } from "../byte_budget.ts";
import { frame, framesOf, jsonFrame, jsonOf } from "../extract/frames.ts";
import { endProcess, startSandboxed } from "../extract/process.ts";
import { DocumentRefusedError } from "../library.ts";
import type { RemuxMessage } from "./child.ts";
import type { Part, PartLimits } from "./parts.ts";
import { type Demux, MAX_PARTS, MAX_SECONDS, type Sound, SOUND_TYPES, typed } from "./recording.ts";

export interface DemuxerOptions {
  /** The most that all processes are expected to take; more files wait for their turn. */
  memoryBytes: number;
  /** The most time for a small file, in milliseconds; also of the processor. */
  timeoutMs: number;
}

/** The library needs time by the square of a container's chunks: 20 MB in one may take 100 s. */
const BYTES_PER_MS = 200;
/** The most that is granted for these. */
const MAX_SIZE_MS = 120_000;
/** What a process takes beside the file. */
const PROCESS_BYTES = 80 * 1024 * 1024;
/** What each part may have beside its sound: heads, tables, and the JSON that tells of it. */
const PART_BYTES = 512 * 1024;

export function createDemuxer({ memoryBytes, timeoutMs }: DemuxerOptions): Demux {
  const memory = createByteBudget(memoryBytes);
  return async (bytes, limits, signal) => {
    using _turn = await memory.reserve(PROCESS_BYTES + bytes.length, signal);
    signal.throwIfAborted();
    const ms = timeoutMs + Math.min(bytes.length / BYTES_PER_MS, MAX_SIZE_MS);
    const process = startSandboxed(new URL("./child.ts", import.meta.url), Math.ceil(ms / 1_000));
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ms);
    const either = AbortSignal.any([signal, late.signal]);
    const stop = () => void endProcess(process);
    either.addEventListener("abort", stop, { once: true });
    try {
      return await soundFrom(process, bytes, limits);
    } catch (error) {
      signal.throwIfAborted();
      if (!late.signal.aborted) throw error;
      throw new DocumentRefusedError("too_slow", "cutting it took too long", { cause: error });
    } finally {
      clearTimeout(timer);
      either.removeEventListener("abort", stop);
      await endProcess(process);
    }
  };
}

async function soundFrom(
  process: Deno.ChildProcess,
  bytes: Uint8Array,
  { maxBytes, maxSeconds }: PartLimits,
): Promise<Sound | undefined> {
  const stdin = process.stdin.getWriter();
  // JSON knows no infinity.
  const limits = { maxBytes: Math.min(maxBytes, Number.MAX_SAFE_INTEGER), maxSeconds };
  const sending = (async () => {
    for (const chunk of [...jsonFrame(limits), ...frame(bytes)]) await stdin.write(chunk);
    await stdin.close();
    // A process that has died takes no input; its silence tells enough.
  })().catch(() => {});
  const frames = framesOf(process.stdout, 2 * bytes.length + MAX_PARTS * PART_BYTES);
  const parts: Part[] = [];
  try {
    for await (const payload of frames) {
      const message: RemuxMessage = MESSAGE.parse(jsonOf(payload));
      if ("part" in message) {
        const { value: file } = await frames.next();
        if (file === undefined) break;
        if (file.length > maxBytes || parts.length === MAX_PARTS) {
          throw new RangeError(
            "Cannot take a part that is larger, or one more, than was asked for",
          );
        }
        parts.push({ ...message.part, bytes: () => file });
      } else if ("uncut" in message) return undefined;
      else if ("refused" in message) {
        throw new DocumentRefusedError(message.refused.reason, message.refused.detail);
      } else return { ...typed(message.done.extension), parts };
    }
  } catch (error) {
    if (error instanceof DocumentRefusedError) throw error;
    const detail = "its reader says what makes no sense";
    throw new DocumentRefusedError("damaged", detail, { cause: error });
  } finally {
    await frames.return();
    await endProcess(process);
    await sending;
  }
  const { signal, code } = await process.status;
  throw new DocumentRefusedError("uncuttable", `its reader died (${signal ?? code})`);
}

const seconds = z.number().nonnegative().max(MAX_SECONDS);

/** What a process may say. */
const MESSAGE: z.ZodType<RemuxMessage> = z.union([
  z.object({ part: z.object({ start: seconds, seconds }) }),
  z.object({ done: z.object({ extension: z.enum(SOUND_TYPES) }) }),
  z.object({ uncut: z.literal(true) }),
  z.object({
    refused: z.object({
      reason: z.enum(["empty", "speechless", "damaged", "too_long", "uncuttable"]),
      detail: z.string(),
    }),
  }),
]);
