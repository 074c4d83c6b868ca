/**
 * The port to a language model, and the words of a question and its answer.
 * Adapters (`gemini.ts`, …) implement `Provider`; nothing else knows a vendor.
 */
import type { FoundPassage } from "../library.ts";
import type { TableInfo } from "../tables.ts";
import type { Language } from "../texts/texts.ts";

/** A finished exchange of the conversation, oldest first in a list. */
export interface Turn {
  /** As the user wrote it. */
  question: string;
  /** As the user read it, in Markdown. */
  answer: string;
}

/** One question, with all that a prompt is made of. */
export interface AnswerRequest {
  /** Identical requests in flight with the same key share one call. */
  key: string;
  /** Whose turn it takes; waiting requests are served fairly between users. */
  userId: number;
  /** Of the user; the model answers in the language of the question. */
  language: Language;
  /** As the user wrote it. */
  question: string;
  /** In any order; the prompt labels each with its place. */
  passages: readonly FoundPassage[];
  /** Several documents were searched: labels name the document as well. */
  several?: boolean;
  /** The turns that a follow-up leans on, oldest first; empty for a question of its own. */
  history: readonly Turn[];
  /** Set: not an answer is wanted but a query over these, see `table_prompt.ts`. */
  tables?: TableTask;
  /** Set: something else is wanted of the passages than an answer. */
  task?: PassageTask;
}

/** What is wanted beside plain answers. */
export type PassageTask =
  /** Words to search for, see `terms_prompt.ts`. */
  | { kind: "words" }
  /** Notes on one part of a document that is too long for one prompt, or on notes on several. */
  | { kind: "part"; notes?: readonly string[] }
  /** The answer from the notes on all parts, in their order. */
  | { kind: "notes"; notes: readonly string[] };

/** What a model writes a query for. */
export interface TableTask {
  /** As `t1`, `t2` … in this order. */
  tables: readonly TableInfo[];
  /** A query that could not be run, and why, to be put right. */
  failed?: { sql: string; problem: string };
}

/** Why the passages stand in for a model's answer. */
export type NoAnswerReason =
  | "offline"
  | "unavailable"
  | "rate_limit"
  | "quota"
  | "blocked"
  | "timeout";

/** A model's answer, or why the passages stand in for one. */
export type AnswerReply =
  | {
    kind: "answer";
    text: string;
    provider: string;
    model: string;
    promptTokens: number;
    answerTokens: number;
  }
  | { kind: "passages"; reason: NoAnswerReason };

/** A recording, or a part of one, short enough for one call. */
export interface Audio {
  /** A whole file of its format. */
  bytes: Uint8Array;
  /** Told by the content, such as `audio/ogg`. */
  mimeType: string;
  /** What a file of this format is called: `ogg`. */
  extension: string;
}

/** One recording to be heard. */
export interface TranscribeRequest {
  /** Identical requests in flight with the same key share one call. */
  key: string;
  /** Whose turn it takes, as with questions. */
  userId: number;
  /** What to listen to. */
  audio: Audio;
}

/** Something that was said. */
export interface Segment {
  /** When it begins, in seconds from the recording's beginning. */
  start: number;
  /** Word for word, on one line. */
  text: string;
}

/** What a provider has heard. */
export interface Transcript {
  /** In the order of their beginnings; none where nobody speaks. */
  segments: readonly Segment[];
  /** Tokens that were read, as the provider counts them; 0 where it bills by the minute. */
  promptTokens: number;
  /** Tokens that were written, thinking included. */
  answerTokens: number;
}

/** Why nothing was heard. */
export type NotHeardReason =
  | NoAnswerReason
  /** The model or its server takes no sound at all. */
  | "cannot_hear"
  /** It hears, but does not take this recording. */
  | "unfit";

/** What was said, or why it was not heard. */
export type TranscribeReply =
  | ({ kind: "transcript" } & Transcript)
  | { kind: "unheard"; reason: NotHeardReason };

/** That a model hears. */
export interface Hearing {
  /** The largest recording that one call takes. */
  readonly maxBytes: number;
  /**
   * Writes down what is said in a recording, in the language that is spoken.
   *
   * @throws {AIServiceError} or one of its kinds, see `errors.ts`
   */
  transcribe(audio: Audio, signal: AbortSignal): Promise<Transcript>;
}

/** An answer to be read aloud. */
export interface SpeakRequest {
  /** Identical requests in flight with the same key share one call. */
  key: string;
  /** Whose turn it takes, as with questions. */
  userId: number;
  /** Of the listener; a text in another one is still spoken in its own. */
  language: Language;
  /** Plain, and no longer than one call takes. */
  text: string;
}

/** What a provider has said. */
export interface Speech extends Audio {
  /** How long it lasts, where its format tells. */
  seconds?: number;
  /** Tokens that were read, as the provider counts them; 0 where it does not tell. */
  promptTokens: number;
  /** Tokens of sound. */
  answerTokens: number;
}

/** Why nothing was spoken. */
export type NotSpokenReason =
  | NoAnswerReason
  /** The model or its server makes no sound at all. */
  | "cannot_speak";

/** What was spoken, or why it was not. */
export type SpeakReply =
  | ({ kind: "speech" } & Speech)
  | { kind: "unspoken"; reason: NotSpokenReason };

/** Why the AI did not do what was asked of it, whatever that was. */
export type FailureReason = NotHeardReason | NotSpokenReason;

/** That a model speaks. */
export interface Speaking {
  /** Who speaks: what sounds different has another name. */
  readonly voice: string;
  /** The longest text that one call takes, in UTF-16 units. */
  readonly maxLetters: number;
  /**
   * Reads a plain text aloud, word for word.
   *
   * @throws {AIServiceError} or one of its kinds, see `errors.ts`
   */
  speak(text: string, language: Language, signal: AbortSignal): Promise<Speech>;
}

/** What texts are turned into vectors for: models embed a question and what answers it differently. */
export type EmbeddingKind = "document" | "question";

/** Texts whose meaning is wanted as vectors. */
export interface EmbedRequest {
  /** Identical requests in flight with the same key share one call. */
  key: string;
  /** Whose turn it takes, as with questions. */
  userId: number;
  /** No more than the model's batch. */
  texts: readonly string[];
  /** A question is asked once and within {@link QUESTION_EMBEDDING_MS}: somebody waits for its answer. */
  kind: EmbeddingKind;
}

/** The most milliseconds that the embedding of a question may take. */
export const QUESTION_EMBEDDING_MS = 1_500;

/** What a provider has embedded. */
export interface Embedded {
  /** One for each text, in their order, all of one length; equal meaning, equal direction. */
  vectors: readonly Float32Array[];
  /** Tokens that were read, as the provider counts them, or as we estimate where it does not. */
  tokens: number;
}

/** Vectors, or why there are none. */
export type EmbedReply =
  | ({ kind: "vectors" } & Pick<Embedded, "vectors">)
  | { kind: "none"; reason: NoAnswerReason };

/** That a provider turns texts into vectors. */
export interface Embedding {
  /** As the vendor names it; vectors of different models cannot be compared. */
  readonly model: string;
  /** The most texts that one call takes. */
  readonly batch: number;
  /**
   * Turns texts into vectors.
   *
   * @throws {AIServiceError} or one of its kinds, see `errors.ts`
   */
  embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal): Promise<Embedded>;
}

/** What a provider has written. */
export interface Generated {
  /** GitHub-style Markdown. */
  text: string;
  /** Tokens that were read, as the provider counts them. */
  promptTokens: number;
  /** Tokens that were written, thinking included. */
  answerTokens: number;
}

/** A prompt as any provider takes it: the document first, the question last. */
export interface Prompt {
  /** The rules; nothing of a document or a user. */
  system: string;
  /** Documents, conversation and question, in this order. */
  user: string;
}

/** A language model behind its vendor's protocol. */
export interface Provider {
  /** Lower-case vendor name, as it stands in metrics and logs: `gemini`, `openai`. */
  readonly name: string;
  /** As the vendor names it. */
  readonly model: string;
  /** Absent where it cannot hear. */
  readonly hearing?: Hearing;
  /** Absent where it cannot speak. */
  readonly speaking?: Speaking;
  /** Absent where no embedding model is configured. */
  readonly embedding?: Embedding;
  /**
   * Generates an answer, handing on its text piece by piece.
   *
   * @throws {AIServiceError} or one of its kinds, see `errors.ts`
   */
  generate(
    prompt: Prompt,
    onChunk: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Generated>;
}
