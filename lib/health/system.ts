/**
 * How busy the process and its machine are. Memory needs the permission
 * `--allow-sys=systemMemoryInfo`, the disk `--allow-sys=statfs` and reading the
 * folder; CPU needs none. What may not be read is null, never a false 0.
 */
import { statfs } from "node:fs/promises";
import process from "node:process";

/** All in percent, to a tenth. */
export interface SystemFigures {
  /** CPU of this process since the last look, of all cores together. */
  cpu_percent: number;
  /** Memory of the machine in use. */
  memory_percent: number | null;
  /** Disk of the data folder in use, as `df` counts it. */
  disk_percent: number | null;
}

/** Begins to watch; each call of the result looks at the time since the one before. */
export function startSystemFigures(dataDir: string): () => Promise<SystemFigures> {
  let last = cpuClock();
  return async () => {
    const current = cpuClock();
    const share = (current.used - last.used) / Math.max(current.available - last.available, 1);
    last = current;
    return {
      cpu_percent: percent(Math.min(Math.max(share, 0), 1)),
      memory_percent: await orNull(memoryShare),
      disk_percent: await orNull(() => diskShare(dataDir)),
    };
  };
}

/** Microseconds of CPU that the process has used, and that the machine has had for it. */
function cpuClock() {
  const { user, system } = process.cpuUsage();
  return {
    used: user + system,
    available: performance.now() * 1_000 * navigator.hardwareConcurrency,
  };
}

function memoryShare(): number {
  const { total, available } = Deno.systemMemoryInfo();
  return 1 - available / total;
}

async function diskShare(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder);
  const used = blocks - bfree;
  return used / (used + bavail);
}

/** Whatever keeps a figure from being read, the report is worth more than the figure. */
async function orNull(share: () => number | Promise<number>): Promise<number | null> {
  try {
    return percent(await share());
  } catch {
    return null;
  }
}

function percent(share: number): number {
  return Math.round(share * 1_000) / 10;
}
