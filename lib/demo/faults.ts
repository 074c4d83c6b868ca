/** Failures on demand: what Telegram may answer on a bad day, for the next calls that match. */
import { TelegramFault } from "./bot_api_methods.ts";

export interface Fault {
  /** @default every method */
  method?: string;
  /** @default 1 */
  times?: number;
  /** The call takes effect, and only its answer is lost. */
  after?: boolean;
  kind: "hang" | { code: number; description: string; retryAfter?: number };
}

export class Faults {
  #faults: (Fault & { left: number })[] = [];
  readonly #closing = new AbortController();

  add(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1 });
  }

  /** Takes back those that are left. */
  clear(): void {
    this.#faults.length = 0;
  }

  async before(method: string, signal: AbortSignal): Promise<void> {
    await this.#apply(method, false, signal);
  }

  async after(method: string, signal: AbortSignal): Promise<void> {
    await this.#apply(method, true, signal);
  }

  close(): void {
    this.#closing.abort();
  }

  async #apply(method: string, after: boolean, signal: AbortSignal): Promise<void> {
    const fault = this.#faults.find((each) =>
      each.left > 0 && (each.after ?? false) === after &&
      (each.method === undefined || each.method === method)
    );
    if (fault === undefined) return;
    fault.left--;
    if (fault.kind !== "hang") {
      const { code, description, retryAfter } = fault.kind;
      throw new TelegramFault(code, description, retryAfter);
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      this.#closing.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    throw new TelegramFault(504, "Gateway Timeout");
  }
}
