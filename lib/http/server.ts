/** The listening socket: begins with an address, and ends with no connection left open. */

/** An application as far as serving needs to know it; Hono's is one. */
export interface Fetchable {
  fetch(request: Request): Response | Promise<Response>;
}

/** Where to listen. */
export interface ServeOptions {
  host: string;
  /** 0: any free port. */
  port: number;
}

/** A server that listens. */
export interface HttpServer {
  /** The port that it listens at. */
  readonly port: number;
  /** Takes no more requests, lets those in work end, and resolves when all connections are closed. */
  close(): Promise<void>;
}

/** The address cannot be listened at: taken, not of this machine, or not permitted. */
export class ListenError extends Error {
  override name = "ListenError";
}

/**
 * Serves `app` until it is closed. When the signal aborts, all connections are
 * cut at once, with the requests that are in work.
 *
 * @throws {ListenError}
 * @throws the signal's reason when it has aborted already
 */
export function serve(
  app: Fetchable,
  { host, port }: ServeOptions,
  signal?: AbortSignal,
): HttpServer {
  // Deno.serve would wait forever for a signal that has aborted before.
  signal?.throwIfAborted();
  const server = listen();
  return {
    port: server.addr.port,
    close: () => server.shutdown(),
  };

  function listen() {
    try {
      return Deno.serve({
        hostname: host,
        port,
        ...(signal !== undefined && { signal }),
        // By default it writes to standard output, which is for answers.
        onListen: () => {},
      }, (request) => app.fetch(request));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ListenError(`Cannot serve HTTP at ${host}:${port} as ${reason}`, { cause });
    }
  }
}
