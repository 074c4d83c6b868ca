/**
 * Answers that their reader may stop while they are written. The press of the
 * button comes as an update of its own and may reach another replica, so it is
 * left in the cache as well, where the one that writes looks for it.
 */
import type { ContextPorts } from "./context.ts";

/** How often a draft's writer looks whether its stop has reached another replica. */
const LOOK_MS = 1_000;
/** Longer than a handler works. */
const KEPT_S = 15 * 60;

/** One answer, from the update that asks for it to its end. */
export interface Stoppable extends Disposable {
  /** Aborted when its reader wants no more of it. */
  readonly signal: AbortSignal;
  /** Looks for a stop elsewhere from now on: its draft, and with it the button, is shown. */
  watch(): void;
}

export interface Stops {
  /** `draftId` is also the update's that is answered. */
  begin(chatId: number, draftId: number): Stoppable;
  /** Ends the answer whose draft it is; does nothing when it is complete already. */
  stop(chatId: number, draftId: number, signal: AbortSignal): Promise<void>;
}

export function createStops({ ask }: Pick<ContextPorts, "ask">): Stops {
  const writing = new Map<string, AbortController>();
  const keyOf = (chatId: number, draftId: number) => `stop:${chatId}:${draftId}`;
  return {
    begin(chatId, draftId) {
      const key = keyOf(chatId, draftId);
      const controller = new AbortController();
      const over = new AbortController();
      let looking: ReturnType<typeof setInterval> | undefined;
      const look = async () => {
        // Without a cache there is no other replica to hear of.
        const found = await ask("cache.get", { key }, { signal: over.signal }).catch(() => {});
        if (found !== undefined) controller.abort(stopped());
      };
      writing.set(key, controller);
      return {
        signal: controller.signal,
        watch: () => void (looking ??= setInterval(look, LOOK_MS)),
        [Symbol.dispose]() {
          clearInterval(looking);
          over.abort();
          writing.delete(key);
        },
      };
    },
    async stop(chatId, draftId, signal) {
      const key = keyOf(chatId, draftId);
      const controller = writing.get(key);
      if (controller !== undefined) return controller.abort(stopped());
      await ask("cache.set", { key, value: "stopped", ttlSeconds: KEPT_S }, { signal });
    },
  };
}

function stopped(): DOMException {
  return new DOMException("The reader stopped the answer", "AbortError");
}
