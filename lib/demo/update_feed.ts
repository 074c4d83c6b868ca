/** Updates on their way to the bot: by long polling, or posted to its webhook until it takes them. */

export interface FeedUpdate {
  update_id: number;
  [kind: string]: unknown;
}

interface Poll {
  end(updates: FeedUpdate[] | "conflict"): void;
}

const RETRY_MS = 300;
/** The most that a bot may ask for. */
const MAX_CONNECTIONS = 100;

export class UpdateFeed {
  /** Time-based, so that a bot with a durable memory never sees an id twice. */
  #nextId = Math.floor(Date.now() / 100) % 2 ** 31;
  #pending: FeedUpdate[] = [];
  #poll: Poll | undefined;
  #webhook: { url: string; secret: string | undefined } | undefined;
  #outgoing: FeedUpdate[] = [];
  /** Posts under way. */
  #posting = 0;
  readonly #closing = new AbortController();

  nextId(): number {
    return this.#nextId++;
  }

  get webhookUrl(): string {
    return this.#webhook?.url ?? "";
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  setWebhook(url: string, secret: string | undefined): void {
    this.#webhook = url === "" ? undefined : { url, secret };
    if (this.#webhook !== undefined) {
      for (const update of this.#pending.splice(0)) this.#post(update);
    }
  }

  push(update: FeedUpdate): void {
    if (this.#webhook !== undefined) return this.#post(update);
    this.#pending.push(update);
    this.#pending.sort((a, b) => a.update_id - b.update_id);
    this.#poll?.end([...this.#pending]);
  }

  /**
   * Updates from `offset` on, which acknowledges all before it; waits for one
   * when there is none. A second poll ends the first as a conflict.
   */
  async poll(
    offset: number,
    limit: number,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<FeedUpdate[] | "conflict"> {
    if (this.#webhook !== undefined) return "conflict";
    this.#poll?.end("conflict");
    this.#pending = this.#pending.filter(({ update_id }) => update_id >= offset);
    if (this.#pending.length > 0 || timeoutMs === 0) return this.#pending.slice(0, limit);
    const { promise, resolve } = Promise.withResolvers<FeedUpdate[] | "conflict">();
    const poll = { end: resolve };
    const end = () => resolve([]);
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener("abort", end);
    this.#closing.signal.addEventListener("abort", end);
    this.#poll = poll;
    try {
      const updates = await promise;
      return updates === "conflict" ? updates : updates.slice(0, limit);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      this.#closing.signal.removeEventListener("abort", end);
      if (this.#poll === poll) this.#poll = undefined;
    }
  }

  close(): void {
    this.#closing.abort();
  }

  /** Posts as many at once as Telegram does and, like Telegram, again until they are taken. */
  #post(update: FeedUpdate): void {
    this.#outgoing.push(update);
    if (this.#posting >= MAX_CONNECTIONS) return;
    this.#posting++;
    this.#postAll().finally(() => this.#posting--);
  }

  async #postAll(): Promise<void> {
    for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
      await this.#postUntilTaken(next);
    }
  }

  async #postUntilTaken(update: FeedUpdate): Promise<void> {
    const { signal } = this.#closing;
    while (this.#webhook !== undefined && !signal.aborted) {
      const { url, secret } = this.#webhook;
      const headers = new Headers({ "content-type": "application/json" });
      if (secret !== undefined) headers.set("X-Telegram-Bot-Api-Secret-Token", secret);
      const body = JSON.stringify(update);
      try {
        const response = await fetch(url, { method: "POST", headers, body, signal });
        await response.body?.cancel();
        if (response.ok) return;
      } catch {
        // The bot is not there just now.
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, RETRY_MS);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        }, { once: true });
      });
    }
  }
}
