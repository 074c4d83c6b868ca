/**
 * Everything one actor may say to another. Types only: this file has no
 * run-time code, so anything may import it.
 *
 * A message is named `<actor>.<verb>`; the part before the dot is also the
 * actor's `systemId`, so the name alone says where a message goes.
 */
import type { AnswerReply, AnswerRequest } from "../lib/ai/provider.ts";
import type { Queries } from "../lib/db/queries.ts";
import type { HealthReport } from "../lib/health.ts";
import type { MetricsSummary, Tags } from "../lib/metrics.ts";
import type {
  AddedDocument,
  NewDocument,
  SearchReply,
  SearchRequest,
  Stage,
} from "../lib/library.ts";

/** Each query of the database is an ask of its own: `db.<query>`. */
type DbAsks = {
  [Q in keyof Queries & string as `db.${Q}`]: (
    body: Parameters<Queries[Q]>[1],
  ) => Awaited<ReturnType<Queries[Q]>>;
};

/** Requests that are answered: the parameter is the body, the result the reply. */
export interface Asks extends DbAsks {
  /** The value stored under `key`, or `undefined` when there is none or it has expired. */
  "cache.get"(body: { key: string }): string | undefined;
  "cache.set"(body: { key: string; value: string; ttlSeconds: number }): void;
  /** Streams the answer's text as it is written. */
  "ai.answer"(body: AnswerRequest): AnswerReply;
  /** Streams the stages that the document passes. */
  "library.add"(body: NewDocument): AddedDocument;
  "library.search"(body: SearchRequest): SearchReply;
  "health.check"(body: { fresh?: boolean }): HealthReport;
  "metrics.summary"(body: Record<never, never>): MetricsSummary;
  /** All metrics in Prometheus' text format. */
  "metrics.render"(body: Record<never, never>): string;
  /** Stores Telegram updates durably; resolves once they are safe. */
  "bot.receive"(body: { updates: readonly IncomingUpdate[] }): void;
}

/** Asks that send chunks before their reply, with the type of a chunk. */
export interface Chunks {
  "ai.answer": string;
  "library.add": Stage;
}

/** Messages that are not answered. */
export interface Tells {
  "metrics.count"(body: { name: string; tags?: Tags; by?: number }): void;
  /** Records a duration in milliseconds. */
  "metrics.time"(body: { name: string; ms: number; tags?: Tags }): void;
  "metrics.gauge"(body: { name: string; value: number; tags?: Tags }): void;
}

/** A Telegram update as far as intake needs to know it. */
export interface IncomingUpdate {
  update_id: number;
  [kind: string]: unknown;
}

export type AskName = keyof Asks;
export type TellName = keyof Tells;
export type ActorName = ActorOf<AskName | TellName>;
export type ActorOf<M extends string> = M extends `${infer A}.${string}` ? A : never;

export type Body<M extends AskName | TellName> = Parameters<(Asks & Tells)[M]>[0];
export type Reply<M extends AskName> = ReturnType<Asks[M]>;
export type Chunk<M extends AskName> = M extends keyof Chunks ? Chunks[M] : never;

/** An ask as it arrives in the mailbox: the body, how to reply, and until when. */
export type Ask<M extends AskName> = {
  type: M;
  replyTo: ReplyTo<Reply<M>, Chunk<M>>;
  /** Aborts when the asker gives up or its time is over. */
  signal: AbortSignal;
} & Body<M>;

/** The asker's side of an ask. After `resolve` or `reject`, further calls do nothing. */
export interface ReplyTo<R, C = never> {
  chunk(chunk: C): void;
  resolve(reply: R): void;
  reject(reason: unknown): void;
}

/** Lifecycle messages between the supervisor and every child. */
export type Lifecycle = { type: "stop" };
/** `note` is what the child found at its start, for the operator. */
export type ChildReport = { type: "child.ready"; id: string; note: string };

/** All asks that the actor named `A` answers. */
export type AsksOf<A extends ActorName> = {
  [M in AskName]: ActorOf<M> extends A ? Ask<M> : never;
}[AskName];

/** All that the actor named `A` can receive. */
export type Inbox<A extends ActorName> =
  | AsksOf<A>
  | { [M in TellName]: ActorOf<M> extends A ? { type: M } & Body<M> : never }[TellName]
  | Lifecycle;
