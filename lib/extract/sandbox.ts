/**
 * Reads documents in processes that can do nothing else: no permission, no
 * environment, a memory limit and a time limit. Each reads one file and ends;
 * the next ones are started beforehand, so that a small file pays no start.
 */
import { DocumentRefusedError, type Extracted } from "../library.ts";
import { endProcess, startSandboxed } from "./process.ts";
import { type FileToRead, readFile } from "./reader.ts";

/** Granted for each page that is read from its picture. */
const SCANNED_PAGE_MS = 12_000;
/** The most that is granted for all of them. */
const SCANNED_MS = 240_000;

export interface SandboxOptions {
  /** Processes kept warm. */
  size: number;
  /** The most time for one file without scanned pages, in milliseconds. */
  timeoutMs: number;
}

export interface Sandbox {
  /**
   * Reads one file.
   *
   * @throws {DocumentRefusedError} with the reason why it cannot be read
   */
  extract(file: FileToRead, signal: AbortSignal): Promise<Extracted>;
  /** Ends all processes. */
  close(): Promise<void>;
}

export function createSandbox({ size, timeoutMs }: SandboxOptions): Sandbox {
  const warm: Deno.ChildProcess[] = [];
  const cpuSeconds = Math.ceil((timeoutMs + SCANNED_MS) / 1_000);
  const start = () => startSandboxed(new URL("./child.ts", import.meta.url), cpuSeconds);
  let closed = false;

  const fill = () => {
    while (!closed && warm.length < size) warm.push(start());
  };
  fill();

  return {
    async extract(file, signal) {
      signal.throwIfAborted();
      const process = warm.shift() ?? start();
      const limit = timeLimit(timeoutMs);
      const limits = AbortSignal.any([signal, limit.signal]);
      const stop = () => void endProcess(process);
      limits.addEventListener("abort", stop, { once: true });
      try {
        return await readFile(process, {
          ...file,
          onScanned(done, of) {
            if (done === 0) limit.extend(Math.min(of * SCANNED_PAGE_MS, SCANNED_MS));
            file.onScanned(done, of);
          },
        });
      } catch (error) {
        signal.throwIfAborted();
        if (!limit.signal.aborted) throw error;
        throw new DocumentRefusedError("too_slow", "reading it took too long", { cause: error });
      } finally {
        limit.end();
        limits.removeEventListener("abort", stop);
        await endProcess(process);
        fill();
      }
    },
    async close() {
      closed = true;
      await Promise.all(warm.splice(0).map(endProcess));
    },
  };
}

/** A deadline that can be put off once, however often a hostile process asks. */
function timeLimit(ms: number) {
  const controller = new AbortController();
  const late = () => controller.abort(new DOMException("The time is over", "TimeoutError"));
  let timer = setTimeout(late, ms);
  let isExtended = false;
  return {
    signal: controller.signal,
    extend(byMs: number) {
      if (isExtended) return;
      isExtended = true;
      clearTimeout(timer);
      timer = setTimeout(late, ms + byMs);
    },
    end: () => clearTimeout(timer),
  };
}
