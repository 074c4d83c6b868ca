/**
 * What can go wrong between us and a model, as classes that the AiActor and
 * the texts for users tell apart. Adapters map every vendor's error to one.
 */
import type { NoAnswerReason } from "./provider.ts";

export interface AIServiceErrorOptions extends ErrorOptions {
  /** The same call may succeed later. */
  retriable?: boolean;
  /** How long the server asked us to wait, in milliseconds. */
  retryAfterMs?: number;
}

/** The model's service failed, refused the call, or answered nothing usable. */
export class AIServiceError extends Error {
  override name = "AIServiceError";
  readonly reason: NoAnswerReason = "unavailable";
  readonly retriable: boolean;
  readonly retryAfterMs: number | undefined;
  constructor(
    detail: string,
    { retriable = false, retryAfterMs, ...options }: AIServiceErrorOptions = {},
  ) {
    super(`Cannot get an answer from the AI as ${detail}`, options);
    this.retriable = retriable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Too many calls just now; passes by itself. */
export class AIRateLimitError extends AIServiceError {
  override name = "AIRateLimitError";
  override readonly reason = "rate_limit";
}

/** The day's or the account's quota is used up; retrying within minutes is useless. */
export class AIQuotaError extends AIServiceError {
  override name = "AIQuotaError";
  override readonly reason = "quota";
}

/** The model's safety rules blocked the question or its answer. */
export class AIBlockedError extends AIServiceError {
  override name = "AIBlockedError";
  override readonly reason = "blocked";
}

/** No complete answer within the time of one call. */
export class AITimeoutError extends AIServiceError {
  override name = "AITimeoutError";
  override readonly reason = "timeout";
}
