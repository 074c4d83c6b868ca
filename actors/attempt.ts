/**
 * One request to the AI, a question, a recording, a text to be spoken or texts to embed, for all
 * who ask it at the same time: waits for its turn, calls the model, backs off and tries again, and
 * ends with its reply, or with the reason why there is none.
 */
import { type AnyActorRef, assertEvent, assign, enqueueActions, fromCallback, setup } from "xstate";
import { AIServiceError } from "../lib/ai/errors.ts";
import type { FailureReason } from "../lib/ai/provider.ts";
import { notProvided } from "../lib/not_provided.ts";
import type { AskName, AsksOf, Body, Reply } from "./protocol.ts";

/** Whatever is asked of the AI. */
export type AiAsk = AsksOf<"ai">;
type AiAskName = Extract<AskName, AiAsk["type"]>;
/** A request without its asker. */
export type AiRequest = { [M in AiAskName]: { type: M } & Body<M> }[AiAskName];
/** What a request is answered with. */
export type AiReply = Reply<AiAskName>;

/** A server that asks for a longer pause than this gets no further try: the user is waiting. */
const MAX_RETRY_AFTER_MS = 30_000;
/** Added to each delay, at most this share of it, so that replicas do not retry in step. */
const JITTER = 0.1;

export interface RetryPolicy {
  /** First delay in milliseconds, doubled each time. */
  baseMs: number;
  /** Retries after the first call. */
  retries: number;
}

/** One call of the model; `onText` gets all the text there is so far. */
export interface GenerateInput {
  request: AiRequest;
  onText: (text: string) => void;
}

interface Context {
  asks: readonly AiAsk[];
  /** Askers that have given up. */
  gone: number;
  policy: RetryPolicy;
  /** Failed calls so far. */
  failures: number;
  /** What has been written so far, for those who join later. */
  text: string;
  error?: AIServiceError | undefined;
  result: AttemptResult;
}

/** What the AiActor learns of an attempt that is over. */
export type AttemptResult =
  | { outcome: "answered"; reply: AiReply }
  | { outcome: "failed"; reason: FailureReason }
  | { outcome: "abandoned" | "undecided" };

type Event =
  | { type: "go" | "abandoned" }
  | { type: "join"; ask: AiAsk }
  | { type: "text"; text: string }
  | { type: "giveUp"; reason: FailureReason };

/** Reports when an asker gives up, so that no work outlives its ask. */
const asker = fromCallback<{ type: "none" }, AiAsk>(({ input, sendBack }) => {
  const gone = () => sendBack({ type: "abandoned" });
  input.signal.addEventListener("abort", gone);
  if (input.signal.aborted) gone();
  return () => input.signal.removeEventListener("abort", gone);
});

export const attemptMachine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as { ask: AiAsk; policy: RetryPolicy },
    output: {} as AttemptResult,
  },
  actors: { generate: notProvided<AiReply, GenerateInput>("generate"), asker },
  delays: {
    backoff: ({ context: { policy, failures, error } }) => {
      const own = policy.baseMs * 2 ** (failures - 1) * (1 + JITTER * Math.random());
      return Math.max(own, error?.retryAfterMs ?? 0);
    },
  },
  guards: {
    allGone: ({ context }) => context.gone + 1 >= context.asks.length,
    mayRetry: ({ context }, { error }: { error: unknown }) =>
      error instanceof AIServiceError && error.retriable &&
      context.failures < context.policy.retries &&
      (error.retryAfterMs ?? 0) <= MAX_RETRY_AFTER_MS,
  },
  actions: {
    watchFirst: enqueueActions(({ context, enqueue }) => {
      const [first] = context.asks;
      if (first !== undefined) enqueue.spawnChild("asker", { input: first });
    }),
    join: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "join");
      if (context.text !== "") handOn(event.ask, context.text);
      enqueue.assign({ asks: [...context.asks, event.ask] });
      enqueue.spawnChild("asker", { input: event.ask });
    }),
    handOn: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "text");
      for (const ask of context.asks) handOn(ask, event.text);
      enqueue.assign({ text: event.text });
    }),
    answer: assign(({ context }, reply: AiReply) => {
      for (const ask of context.asks) answer(ask, reply);
      return { result: { outcome: "answered", reply } as const };
    }),
    fallBack: assign(({ context }, { reason }: { reason: FailureReason }) => {
      for (const ask of context.asks) fallBack(ask, reason);
      return { result: { outcome: "failed", reason } as const };
    }),
    countFailure: assign((_, { error }: { error: unknown }) => ({
      error: error instanceof AIServiceError ? error : undefined,
    })),
  },
}).createMachine({
  id: "attempt",
  context: ({ input }) => ({
    asks: [input.ask],
    gone: 0,
    policy: input.policy,
    failures: 0,
    text: "",
    result: { outcome: "undecided" },
  }),
  output: ({ context }) => context.result,
  entry: "watchFirst",
  on: {
    join: { actions: "join" },
    abandoned: [
      {
        guard: "allGone",
        target: ".over",
        actions: assign({ result: { outcome: "abandoned" } }),
      },
      { actions: assign({ gone: ({ context }) => context.gone + 1 }) },
    ],
    giveUp: {
      target: ".over",
      actions: { type: "fallBack", params: ({ event }) => ({ reason: event.reason }) },
    },
  },
  initial: "waiting",
  states: {
    waiting: { on: { go: "calling" } },
    calling: {
      on: { text: { actions: "handOn" } },
      invoke: {
        id: "generate",
        src: "generate",
        input: ({ context, self }: { context: Context; self: AnyActorRef }) => ({
          request: firstOf(context),
          onText: (text: string) => self.send({ type: "text", text }),
        }),
        onDone: {
          target: "over",
          actions: { type: "answer", params: ({ event }) => event.output },
        },
        onError: [
          {
            guard: { type: "mayRetry", params: ({ event }) => ({ error: event.error }) },
            target: "backingOff",
            actions: [
              { type: "countFailure", params: ({ event }) => ({ error: event.error }) },
              assign({ failures: ({ context }) => context.failures + 1 }),
            ],
          },
          {
            target: "over",
            actions: {
              type: "fallBack",
              params: ({ event }) => ({ reason: reasonOf(event.error) }),
            },
          },
        ],
      },
    },
    backingOff: { after: { backoff: "calling" } },
    over: { type: "final" },
  },
});

/** Gives an ask its reply: asks that share an attempt are of one type, and so is what they are answered with. */
export function answer(ask: AiAsk, reply: AiReply): void {
  ask.replyTo.resolve(reply as never);
}

/** Tells an asker that the AI does nothing for it, and why. */
export function fallBack(ask: AiAsk, reason: FailureReason): void {
  const isOfHearing = reason === "cannot_hear" || reason === "unfit";
  const isOfSpeaking = reason === "cannot_speak";
  const known = isOfHearing || isOfSpeaking ? "unavailable" : reason;
  if (ask.type === "ai.transcribe") {
    ask.replyTo.resolve({ kind: "unheard", reason: isOfSpeaking ? "unavailable" : reason });
  } else if (ask.type === "ai.speak") {
    ask.replyTo.resolve({ kind: "unspoken", reason: isOfHearing ? "unavailable" : reason });
  } else if (ask.type === "ai.embed") {
    ask.replyTo.resolve({ kind: "none", reason: known });
  } else {
    ask.replyTo.resolve({ kind: "passages", reason: known });
  }
}

function handOn(ask: AiAsk, text: string): void {
  if (ask.type === "ai.answer") ask.replyTo.chunk(text);
}

function firstOf({ asks }: Context): AiRequest {
  const [first] = asks;
  if (first === undefined) throw new Error("Cannot call the model as nobody asks");
  return first;
}

function reasonOf(error: unknown): FailureReason {
  return error instanceof AIServiceError ? error.reason : "unavailable";
}
