/**
 * The embedded database's life: a folder that one process owns, a Worker that
 * runs PGlite on it, and a socket in the folder that only its owner can open.
 */
import { join, relative, resolve } from "node:path";
import type { WorkerReply, WorkerRequest } from "./embedded_worker.ts";

/** The longest path that a Unix socket can have, with room for the terminator. */
const MAX_SOCKET_PATH = 104;
const CLOSE_MS = 3_000;

export interface EmbeddedDatabase {
  /** Where a PostgreSQL driver connects. */
  readonly socketPath: string;
  /** Ends the Worker after its last write; the folder is free for another process then. */
  close(): Promise<void>;
}

/** Another process works on the same folder; two on one would silently lose rows. */
export class DirectoryInUseError extends Error {
  override name = "DirectoryInUseError";
  constructor(directory: string) {
    super(
      `Cannot open the embedded database in '${directory}' as another process uses it. ` +
        "Stop that process, or set DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL server",
    );
  }
}

/**
 * Opens the database in `directory`, and creates it there first if it is new.
 *
 * @param onCreate called when the folder is new, as creating takes seconds
 * @throws {DirectoryInUseError} when another process has it open
 */
export async function openEmbedded(
  directory: string,
  onCreate: () => void,
): Promise<EmbeddedDatabase> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await takeLock(directory);
  try {
    const socketPath = socketPathIn(directory);
    const files = join(directory, "files");
    if (!(await exists(join(files, "PG_VERSION")))) {
      onCreate();
      // Creating leaves hundreds of megabytes behind, so a Worker that ends does it.
      await using _creator = await startWorker(files, socketPath);
    }
    const worker = await startWorker(files, socketPath);
    return {
      socketPath,
      close: async () => {
        await worker[Symbol.asyncDispose]();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

async function takeLock(directory: string): Promise<Deno.FsFile> {
  const file = await Deno.open(join(directory, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new DirectoryInUseError(directory);
}

function socketPathIn(directory: string): string {
  const path = join(resolve(directory), ".s.PGSQL.5432");
  const chosen = path.length <= MAX_SOCKET_PATH ? path : relative(Deno.cwd(), path);
  if (chosen.length <= MAX_SOCKET_PATH) return chosen;
  throw new Error(`Cannot open the embedded database as its path is too long: ${directory}`);
}

async function startWorker(directory: string, socketPath: string): Promise<AsyncDisposable> {
  // A socket file that a killed process left behind would refuse the new one.
  await Deno.remove(socketPath).catch(ignoreMissing);
  const worker = new Worker(new URL("./embedded_worker.ts", import.meta.url), { type: "module" });
  try {
    await request(worker, { directory, socketPath });
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      const timeout = AbortSignal.timeout(CLOSE_MS);
      await request(worker, "close", timeout).catch(() => {/* it is ended below all the same */});
      worker.terminate();
    },
  };
}

function request(worker: Worker, message: WorkerRequest, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
    if (data.type !== "failed") return resolve();
    reject(new Error(`Cannot run the embedded database as ${data.message}`));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`Cannot run the embedded database as ${event.message}`));
  };
  signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  worker.postMessage(message);
  return promise;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, (error) => {
    ignoreMissing(error);
    return false;
  });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
