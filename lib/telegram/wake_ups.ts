/**
 * How replicas wake each other when one has left work for the others, over
 * PostgreSQL's LISTEN and NOTIFY. A lost word costs a second at the most: each
 * replica looks by itself as well.
 */
import type { Sql } from "postgres";
import { logger } from "../log.ts";

const CHANNEL = "assistant_updates";
/** Words sent within this time are one: a notification costs the server a lock on all others. */
const GATHER_MS = 20;
/** The driver gives up listening when it cannot reconnect at once, so it is asked again. */
const RENEW_MS = 5_000;

export interface WakeUps {
  /** Calls `onWake` when another replica has left work, until the result is called. */
  listen(onWake: () => void): () => void;
  /** Tells the others that there is work. */
  rouse(): void;
  /** Resolves once all words are on their way. */
  flush(): Promise<void>;
}

/** Of replicas on one PostgreSQL server. */
export function createWakeUps(sql: () => Sql): WakeUps {
  const log = logger("queue");
  // Only the others need to hear.
  const self = crypto.randomUUID();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let sending: Promise<void> | undefined;

  return {
    listen(onWake) {
      const ended = new AbortController();
      let newest = 0;
      renewUntil(ended.signal, async () => {
        // After a lost connection the driver listens with copies of earlier listeners as well.
        const own = ++newest;
        const { unlisten } = await sql().listen(CHANNEL, (from) => {
          if (own === newest && from !== self && !ended.signal.aborted) onWake();
        });
        return unlisten;
      });
      return () => ended.abort();
    },
    rouse() {
      gathering ??= setTimeout(send, GATHER_MS);
    },
    async flush() {
      if (gathering !== undefined) send();
      await sending;
    },
  };

  function send(): void {
    clearTimeout(gathering);
    gathering = undefined;
    sending = notify().catch((error) =>
      log.debug("Cannot wake other replicas: {error}", { error })
    );
  }
  async function notify(): Promise<void> {
    await sql().notify(CHANNEL, self);
  }
}

/** Subscribes anew every few seconds, so that a subscription which was lost is not missed for long. */
async function renewUntil(
  signal: AbortSignal,
  subscribe: () => Promise<() => Promise<unknown>>,
): Promise<void> {
  let end: (() => Promise<unknown>) | undefined;
  while (!signal.aborted) {
    try {
      const next = await subscribe();
      // With another listener there this asks the server nothing.
      await end?.();
      end = next;
    } catch {
      // The database is away; its actor says so.
    }
    await sleep(RENEW_MS, signal);
  }
  await end?.().catch(() => {/* the connection is gone, and the listening with it */});
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
