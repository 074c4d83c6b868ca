/**
 * Reads documents in processes that can do nothing else: no permission, no
 * environment, a memory limit and a time limit. Each reads one file and ends;
 * the next ones are started beforehand, so that a small file pays no start.
 */
import { DocumentRefusedError, type Extracted } from "../library.ts";
import { endReader, readFile, startReader } from "./reader.ts";

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
    while (!closed && warm.length < size) warm.push(startReader(limitsMemory, timeoutMs));
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
      const process = warm.shift() ?? startReader(limitsMemory, timeoutMs);
      const timeout = AbortSignal.timeout(timeoutMs);
      const stop = () => endReader(process);
      const limits = AbortSignal.any([signal, timeout]);
      limits.addEventListener("abort", stop, { once: true });
      if (limits.aborted) stop();
      try {
        return await readFile(process, name, bytes);
      } catch (error) {
        signal.throwIfAborted();
        if (!timeout.aborted) throw error;
        throw new DocumentRefusedError("too_slow", `reading took over ${timeoutMs} ms`);
      } finally {
        limits.removeEventListener("abort", stop);
        endReader(process);
        await process.status;
        endTurn();
        fill();
      }
    },
    async close() {
      closed = true;
      await Promise.all(
        warm.splice(0).map(async (process) => {
          endReader(process);
          await Promise.all([process.stdin.abort().catch(() => {}), process.stdout.cancel()]);
          await process.status;
        }),
      );
    },
  };
}
