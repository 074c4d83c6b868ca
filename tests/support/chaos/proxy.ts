/** A TCP proxy before a server that others use too: its connections can be cut, and it can go away. */

export interface Proxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Ends all connections at once, whatever is on its way in them; gives how many there were. */
  cut(): number;
  /** Cuts, and takes no connection before `back()`. */
  away(): void;
  back(): void;
}

/** @param target where the server listens, as `host:port` */
export function startProxy(target: string): Proxy {
  const [hostname = "127.0.0.1", port] = target.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pairs = new Set<readonly [Deno.Conn, Deno.Conn]>();
  const pumps = new Set<Promise<void>>();
  let isAway = false;

  async function pump(from: Deno.Conn, to: Deno.Conn, end: () => void): Promise<void> {
    // One side has ended, or was cut: then so has the other.
    await from.readable.pipeTo(to.writable).catch(() => {});
    end();
  }

  async function join(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ hostname, port: Number(port) }).catch(() => undefined);
    if (server === undefined || isAway) {
      close(client);
      if (server !== undefined) close(server);
      return;
    }
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = () => {
      if (pairs.delete(pair)) pair.forEach(close);
    };
    await Promise.all([pump(client, server, end), pump(server, client, end)]);
  }

  async function accept(): Promise<void> {
    try {
      for await (const client of listener) {
        const joined: Promise<void> = join(client).finally(() => pumps.delete(joined));
        pumps.add(joined);
      }
    } catch (error) {
      // The listener is closed under a connection that it was about to take.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
  const accepting = accept();

  const cut = () => {
    const number = pairs.size;
    for (const pair of [...pairs]) {
      pairs.delete(pair);
      pair.forEach(close);
    }
    return number;
  };

  return {
    host: `127.0.0.1:${listener.addr.port}`,
    cut,
    away() {
      isAway = true;
      cut();
    },
    back() {
      isAway = false;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      isAway = true;
      cut();
      await Promise.all(pumps);
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
