/** The DevTools protocol over its WebSocket: commands with their results, and what went wrong. */

export interface Connection {
  send(
    method: string,
    params?: Record<string, unknown>,
    sessionId?: string,
  ): Promise<Record<string, unknown>>;
  /** What pages threw, logged as errors or were refused by their security policy. */
  readonly errors: readonly string[];
}

interface Reply {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Connects to a browser, which ends with `resources`. */
export async function connect(
  resources: AsyncDisposableStack,
  address: string,
): Promise<Connection> {
  const socket = new WebSocket(address);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const errors: string[] = [];
  let lastId = 0;
  socket.onopen = () => opened.resolve();
  socket.onclose = () => {
    const error = new Error("Cannot go on as the browser has closed the connection");
    opened.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    closed.resolve();
  };
  socket.onmessage = ({ data }) => {
    const reply: Reply = JSON.parse(data);
    const { id = 0, result = {}, error } = reply;
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new Error(`Cannot drive the browser as it says: ${error.message}`));
    if (reply.method === "Runtime.exceptionThrown" || isLoggedError(reply)) {
      errors.push(JSON.stringify(reply.params));
    }
  };
  const send: Connection["send"] = async (method, params = {}, sessionId) => {
    const waiter = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(++lastId, waiter);
    socket.send(JSON.stringify({ id: lastId, method, params, sessionId }));
    return await waiter.promise;
  };
  resources.defer(async () => {
    // The browser may close the connection before it has answered.
    await send("Browser.close").catch(() => {});
    await closed.promise;
  });
  await opened.promise;
  return { send, errors };
}

function isLoggedError({ method, params }: Reply): boolean {
  if (method !== "Log.entryAdded") return false;
  const { entry } = params as { entry: { level: string } };
  return entry.level === "error";
}
