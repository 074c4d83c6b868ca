/**
 * The embedded PostgreSQL in a Worker of its own, behind a socket: the main
 * loop is never held up by a query, and one SQL driver serves both databases.
 */
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

export type WorkerRequest = { directory: string; socketPath: string } | "close";
export type WorkerReply = { type: "ready" | "closed" } | { type: "failed"; message: string };

declare const self: DedicatedWorkerGlobalScope;

let database: PGlite | undefined;
let server: PGLiteSocketServer | undefined;

self.onmessage = async ({ data }: MessageEvent<WorkerRequest>) => {
  try {
    if (data === "close") {
      await server?.stop();
      await database?.close();
      reply({ type: "closed" });
      return;
    }
    database = await PGlite.create({ dataDir: data.directory, extensions: { vector } });
    server = new PGLiteSocketServer({ db: database, path: data.socketPath, maxConnections: 4 });
    await server.start();
    reply({ type: "ready" });
  } catch (error) {
    reply({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
};

function reply(message: WorkerReply): void {
  self.postMessage(message);
}
