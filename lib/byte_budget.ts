/** How many bytes of files are in memory at once, so that many large ones cannot fill it. */

export interface ByteBudget {
  /** Waits for its turn, first come first served; disposing of the result gives the bytes back. */
  reserve(bytes: number, signal: AbortSignal): Promise<Disposable>;
}

/** @param total more than this is reserved only by a single file that is larger itself */
export function createByteBudget(total: number): ByteBudget {
  const waiting: { bytes: number; go: () => void }[] = [];
  let used = 0;

  const admit = () => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (used > 0 && used + next.bytes > total) return;
      waiting.shift();
      used += next.bytes;
      next.go();
    }
  };
  return {
    async reserve(bytes, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const entry = { bytes, go: resolve };
      const leave = () => {
        const at = waiting.indexOf(entry);
        if (at >= 0) waiting.splice(at, 1);
        reject(signal.reason);
        admit();
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.push(entry);
      admit();
      await promise.finally(() => signal.removeEventListener("abort", leave));
      let isReserved = true;
      return {
        [Symbol.dispose]() {
          if (isReserved) used -= bytes;
          isReserved = false;
          admit();
        },
      };
    },
  };
}
