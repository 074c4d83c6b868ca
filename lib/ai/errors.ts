/**
 * What can go wrong between us and a model, as classes that the AiActor and
 * the texts for users tell apart. Adapters map every vendor's error to one.
 */
import type { FailureReason } from "./provider.ts";

/** What is known of a failure beside its cause. */
export interface AIServiceErrorOptions extends ErrorOptions {
  /** The same call may succeed later. */
  retriable?: boolean;
  /** How long the server asked us to wait, in milliseconds. */
  retryAfterMs?: number;
}

/** The model's service failed, refused the call, or answered nothing usable. */
export class AIServiceError extends Error {
  /** Tells the class also where the class itself is not at hand. */
  override name = "AIServiceError";
  /** What the user is told, and what is counted. */
  readonly reason: FailureReason = "unavailable";
  /** Whether the same call may succeed later. */
  readonly retriable: boolean;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** `detail` completes the sentence "Cannot get an answer from the AI as …". */
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
  /** See {@link AIServiceError}. */
  override name = "AIRateLimitError";
  /** Tells a limit that passes from a quota that does not. */
  override readonly reason = "rate_limit";
}

/** The day's or the account's quota is used up; retrying within minutes is useless. */
export class AIQuotaError extends AIServiceError {
  /** See {@link AIServiceError}. */
  override name = "AIQuotaError";
  /** Tells that asking again today is useless. */
  override readonly reason = "quota";
}

/** The model's safety rules blocked the question or its answer. */
export class AIBlockedError extends AIServiceError {
  /** See {@link AIServiceError}. */
  override name = "AIBlockedError";
  /** Tells that other words may be answered. */
  override readonly reason = "blocked";
}

/** No complete answer within the time of one call. */
export class AITimeoutError extends AIServiceError {
  /** See {@link AIServiceError}. */
  override name = "AITimeoutError";
  /** Tells that the model was too slow. */
  override readonly reason = "timeout";
}

/** The model or its server does not hear, or not this recording; another try changes nothing. */
export class AIHearingError extends AIServiceError {
  /** See {@link AIServiceError}. */
  override name = "AIHearingError";
  /** `reason` tells a model without ears from a recording that it does not take. */
  constructor(
    override readonly reason: "cannot_hear" | "unfit",
    detail: string,
    options: ErrorOptions = {},
  ) {
    super(detail, options);
  }
}

/** The model or its server does not speak; another try changes nothing. */
export class AISpeakingError extends AIServiceError {
  /** See {@link AIServiceError}. */
  override name = "AISpeakingError";
  /** Tells that it never will. */
  override readonly reason = "cannot_speak";
}
