/**
 * The client of the Bot API: grammY's, with flood limits obeyed, failures
 * retried where a repeated call does no harm, and the token kept out of errors.
 */
import { autoRetry } from "@grammyjs/auto-retry";
import { Api, HttpError, type Transformer } from "grammy";

const MAX_RETRIES = 3;
const MAX_RETRY_AFTER_S = 60;
/** Pauses before a call that could not reach Telegram is made again. */
const NETWORK_PAUSES_MS = [200, 1_000, 3_000];
/** Longer than the longest poll. */
const CALL_TIMEOUT_S = 60;

/** Calls that change nothing when they are made twice; sending is not among them. */
const REPEATABLE = /^(get|set|delete|edit|answerCallbackQuery|sendChatAction)/;

export interface TelegramApiOptions {
  token: string;
  /** Base URL of the Bot API server. */
  root: string;
}

export function createTelegramApi({ token, root }: TelegramApiOptions): Api {
  const api = new Api(token, { apiRoot: root, timeoutSeconds: CALL_TIMEOUT_S });
  api.config.use(
    redactErrors(token),
    retryNetwork,
    autoRetry({
      maxRetryAttempts: MAX_RETRIES,
      maxDelaySeconds: MAX_RETRY_AFTER_S,
      // It knows only the errors of another build of grammY; `retryNetwork` does this part.
      rethrowHttpErrors: true,
    }) as Transformer,
  );
  return api;
}

const retryNetwork: Transformer = async (call, method, payload, signal) => {
  for (let n = 0;; n++) {
    try {
      return await call(method, payload, signal);
    } catch (error) {
      const pause = NETWORK_PAUSES_MS[n];
      const isFinal = pause === undefined || signal?.aborted || !REPEATABLE.test(method) ||
        method === "getUpdates";
      if (isFinal || !(error instanceof HttpError)) throw error;
      await sleep(pause, signal as AbortSignal | undefined);
    }
  }
};

/** The URL in a network error has the token in it; what leaves here does not. */
function redactErrors(token: string): Transformer {
  return async (call, method, payload, signal) => {
    try {
      return await call(method, payload, signal);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const clean = (text: string) => text.replaceAll(token, "•••");
      const cause = new Error(clean(error.error instanceof Error ? error.error.message : ""));
      cause.stack = "";
      throw new HttpError(clean(error.message), cause);
    }
  };
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
