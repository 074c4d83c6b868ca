/**
 * Everything one actor may say to another. Types only: this file has no
 * run-time code, so anything may import it.
 *
 * A message is named `<actor>.<verb>`; the part before the dot is also the
 * actor's `systemId`, so the name alone says where a message goes.
 */
import type {
  AnswerReply,
  AnswerRequest,
  EmbedReply,
  EmbedRequest,
  SpeakReply,
  SpeakRequest,
  TranscribeReply,
  TranscribeRequest,
} from "../lib/ai/provider.ts";
import type { Queries } from "../lib/db/queries.ts";
import type { HealthReport } from "../lib/health.ts";
import type { MetricsSummary, Tags } from "../lib/metrics.ts";
import type {
  AddedDocument,
  HearRequest,
  NewDocument,
  SearchReply,
  SearchRequest,
  Stage,
} from "../lib/library.ts";
import type { FoundRows, RowSearch, TableAnswer, TableQuery } from "../lib/tables.ts";

/**
 * Each query of the database is an ask of its own: `db.<query>`.
 *
 * @internal
 */
export type DbAsks = {
  [Q in keyof Queries & string as `db.${Q}`]: (
    body: Parameters<Queries[Q]>[1],
  ) => Awaited<ReturnType<Queries[Q]>>;
};

/** Requests that are answered: the parameter is the body, the result the reply. */
export interface Asks extends DbAsks {
  /** The value stored under `key`, or `undefined` when there is none or it has expired. */
  "cache.get"(body: { key: string }): string | undefined;
  /** Keeps a value for its time; a later one under the same key replaces it. */
  "cache.set"(body: { key: string; value: string; ttlSeconds: number }): void;
  /** Streams the answer's text as it is written. */
  "ai.answer"(body: AnswerRequest): AnswerReply;
  /** Writes down what is said in a recording that fits into one call. */
  "ai.transcribe"(body: TranscribeRequest): TranscribeReply;
  /** Reads a text aloud that fits into one call. */
  "ai.speak"(body: SpeakRequest): SpeakReply;
  /** Turns texts into vectors of their meaning. */
  "ai.embed"(body: EmbedRequest): EmbedReply;
  /** Streams the stages that the document passes. */
  "library.add"(body: NewDocument): AddedDocument;
  /** Writes down what is said in a recording of any length, without keeping it. */
  "library.hear"(body: HearRequest): string;
  /** Finds the passages that a question needs. */
  "library.search"(body: SearchRequest): SearchReply;
  /** Runs a checked query over a document's tables, in the sandbox. */
  "library.query"(body: TableQuery): TableAnswer;
  /** Summarises a document's tables and finds rows by words, without any AI. */
  "library.rows"(body: RowSearch): readonly FoundRows[];
  /** How everything is; a report of this second serves unless a fresh one is asked for. */
  "health.check"(body: { fresh?: boolean }): HealthReport;
  /** All metrics as one object. */
  "metrics.summary"(body: Record<never, never>): MetricsSummary;
  /** All metrics in Prometheus' text format. */
  "metrics.render"(body: Record<never, never>): string;
  /** Stores Telegram updates durably; resolves once they are safe. */
  "bot.receive"(body: { updates: readonly IncomingUpdate[] }): void;
}

/** Asks that send chunks before their reply, with the type of a chunk. */
export interface Chunks {
  /** All the text there is so far. */
  "ai.answer": string;
  /** The stage that has begun. */
  "library.add": Stage;
}

/** Messages that are not answered. */
export interface Tells {
  /** Adds to a counter, 1 unless told. */
  "metrics.count"(body: { name: string; tags?: Tags; by?: number }): void;
  /** Records a duration in milliseconds. */
  "metrics.time"(body: { name: string; ms: number; tags?: Tags }): void;
  /** Sets what something is at now. */
  "metrics.gauge"(body: { name: string; value: number; tags?: Tags }): void;
}

/** A Telegram update as far as intake needs to know it. */
export interface IncomingUpdate {
  /** Telegram's ordinal of the update, which tells a repeated delivery. */
  update_id: number;
  /** The one part that says what happened, such as `message`. */
  [kind: string]: unknown;
}

/** Every message that is answered. */
export type AskName = keyof Asks;
/** Every message that is not. */
export type TellName = keyof Tells;
/** Every actor that takes messages. */
export type ActorName = ActorOf<AskName | TellName>;
/** The actor that a message goes to: what stands before its dot. */
export type ActorOf<M extends string> = M extends `${infer A}.${string}` ? A : never;

/** What a message carries. */
export type Body<M extends AskName | TellName> = Parameters<(Asks & Tells)[M]>[0];
/** What an ask is answered with. */
export type Reply<M extends AskName> = ReturnType<Asks[M]>;
/** What an ask streams before its reply; `never` when it does not. */
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
  /** Hands on a piece before the reply. */
  chunk(chunk: C): void;
  /** Answers the ask. */
  resolve(reply: R): void;
  /** Fails the ask with a reason that the asker is thrown. */
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
