/**
 * The client of the Bot API: grammY's, with flood limits obeyed, failures
 * retried where a repeated call does no harm, and the token kept out of errors.
 */
import { Api, type ApiClientOptions, HttpError, type Transformer } from "grammy";
import { fetchOnce } from "../fetch_once.ts";

const MAX_RETRIES = 3;
/** A flood limit that is longer than this fails the call: its update is handled again later. */
const MAX_RETRY_AFTER_S = 60;
/** Pauses before a call that met no Telegram, or a broken one, is made again. */
const PAUSES_MS = [500, 2_000, 5_000];
/** Longer than the longest poll. */
const CALL_TIMEOUT_S = 60;

/** Calls that change nothing when they are made twice; sending is not among them. */
const REPEATABLE = /^(get(?!Updates)|set|delete|edit|answerCallbackQuery|sendChatAction)/;

export interface TelegramApiOptions {
  token: string;
  /** Base URL of the Bot API server. */
  root: string;
  /** Called when Telegram does not accept the token, or no longer. */
  onRefused?: () => void;
}

export function createTelegramApi({ token, root, onRefused }: TelegramApiOptions): Api {
  const api = new Api(token, {
    apiRoot: root,
    timeoutSeconds: CALL_TIMEOUT_S,
    fetch: fetchOnce as ApiClientOptions["fetch"],
  });
  api.config.use(redactErrors(token), retry);
  if (onRefused !== undefined) api.config.use(watchForRefusal(onRefused));
  return api;
}

/**
 * Waits as long as a flood limit asks for, and repeats what failed on the way
 * or inside Telegram if that does no harm. The official plugin for this knows
 * only the errors of grammY's other build, and would load that build as well.
 */
const retry: Transformer = async (call, method, payload, signal) => {
  for (let n = 0;; n++) {
    const isLast = n >= MAX_RETRIES;
    try {
      const response = await call(method, payload, signal);
      if (response.ok || isLast) return response;
      const { retry_after } = response.parameters ?? {};
      const isBroken = response.error_code >= 500 && method !== "getUpdates";
      if (retry_after !== undefined && retry_after <= MAX_RETRY_AFTER_S) {
        await sleep(retry_after * 1_000, signal as AbortSignal | undefined);
      } else if (isBroken) await sleep(PAUSES_MS[n] ?? 0, signal as AbortSignal | undefined);
      else return response;
    } catch (error) {
      const mayRepeat = error instanceof HttpError && REPEATABLE.test(method);
      if (isLast || signal?.aborted || !mayRepeat) throw error;
      await sleep(PAUSES_MS[n] ?? 0, signal as AbortSignal | undefined);
    }
  }
};

function watchForRefusal(onRefused: () => void): Transformer {
  return async (call, method, payload, signal) => {
    const response = await call(method, payload, signal);
    if (!response.ok && response.error_code === 401) onRefused();
    return response;
  };
}

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
