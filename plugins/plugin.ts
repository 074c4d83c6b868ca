/**
 * What a plugin is. Plugins import this file, the protocol's types and parsing
 * libraries, and nothing else of the bot.
 */
import type { AskName, Body, Chunk, Reply, TellName } from "../actors/protocol.ts";
import type { Section, Unit } from "../lib/library.ts";
import type { Language, TextArguments } from "../lib/texts/texts.ts";

export interface Chat {
  id: number;
  isPrivate: boolean;
  /** Forum topic, where the chat has topics. */
  threadId?: number;
}

export interface User {
  id: number;
  name: string;
}

/** A button under a message. `data` is `<name>:<argument>`, 64 bytes at most. */
export interface Button {
  text: string;
  data: string;
}

export interface MessageOptions {
  /** Rows of buttons. */
  buttons?: readonly (readonly Button[])[];
}

/** A sent message that can be changed afterwards. */
export interface SentMessage {
  id: number;
  /** Replaces text and buttons. Does nothing if both are as before. */
  edit(markdown: string, options?: MessageOptions): Promise<void>;
  delete(): Promise<void>;
}

export interface AskOptions<M extends AskName> {
  timeoutMs?: number;
  onChunk?: (chunk: Chunk<M>) => void;
}

/** A file as Telegram announced it. */
export interface IncomingFile {
  fileId: string;
  name: string;
  mimeType: string;
  /** Bytes, as far as Telegram says. */
  size?: number;
}

/** What a handler is given; it has no other way to reach the outside. */
export interface PluginContext {
  readonly chat: Chat;
  readonly user: User;
  readonly language: Language;
  /** Aborted when the user stops it, the handler's time is over, or the bot is killed. */
  readonly signal: AbortSignal;
  /** Settings that handlers need. */
  readonly settings: PluginSettings;
  /** A text of the user's language, by its Fluent key. Arguments are escaped for Markdown. */
  t(key: string, args?: TextArguments): string;
  /** Makes text of a user or a document harmless within Markdown. */
  escape(text: string): string;
  ask<M extends AskName>(type: M, body: Body<M>, options?: AskOptions<M>): Promise<Reply<M>>;
  tell<M extends TellName>(type: M, body: Body<M>): void;
  /** Sends GitHub-style Markdown; long texts are split or sent rich, and never fail on formatting. */
  reply(markdown: string, options?: MessageOptions): Promise<SentMessage>;
  /** Shows Markdown that grows while it is written. Nothing is kept: `reply` follows. */
  preview(markdown: string): void;
  /** Shows "typing …" until the handler ends. */
  typing(): void;
  /**
   * Fetches a file's content.
   *
   * @throws {FileTooLargeError} above the configured size
   */
  download(file: IncomingFile): Promise<Uint8Array>;
  /** Changes the language of the user, from now on; `t` speaks it at once. */
  setLanguage(language: Language): Promise<void>;
  /** Handles a text as if the user had sent it as a message of its own. */
  handleText(text: string): Promise<void>;
}

export interface PluginSettings {
  /** The most document tokens in one prompt. */
  contextTokens: number;
  cacheTtlSeconds: number;
  maxFileBytes: number;
  /** Who answers, as part of an answer's cache key: `<provider>/<model>`. */
  model: string;
  /** File name extensions that can be read, for texts that name them. */
  extensions: readonly string[];
  /** All commands of all plugins, in the order of `/help`. */
  commands: readonly Pick<Command, "name" | "description">[];
}

export interface Command {
  /** Without the slash. */
  name: string;
  /** Fluent key of the line in the command menu and in `/help`. */
  description: string;
  run(context: PluginContext, argument: string): Promise<void>;
}

export interface ButtonHandler {
  /** The part of a button's `data` before the first colon. */
  name: string;
  /** `message` is the message that the button stands under. */
  run(context: PluginContext, argument: string, message: SentMessage): Promise<void>;
}

/** Turns one kind of file into text. Runs in the sandbox: no network, no files, no environment. */
export interface DocumentFormat {
  /** Lower case, as it stands in metrics and in the database: `pdf`. */
  name: string;
  /** Without the dot, the usual one first. */
  extensions: readonly string[];
  unit: Unit;
  /** Whether the content is of this format; the name is only a hint. */
  matches(bytes: Uint8Array, fileName: string): boolean;
  /**
   * Reads the whole file, in reading order.
   *
   * @throws {DocumentRefusedError} for a file that cannot be read
   */
  extract(bytes: Uint8Array): Promise<readonly Section[]>;
}

export interface FileHandler {
  run(context: PluginContext, file: IncomingFile, caption: string): Promise<void>;
}

export interface TextHandler {
  /** Handlers are asked in the order of the plugin list; the first that claims the text runs. */
  claims(text: string): boolean;
  run(context: PluginContext, text: string): Promise<void>;
}

export interface ErrorHandler {
  /** Tells the user that a handler failed with `error`, which is logged already. */
  run(context: PluginContext, error: unknown): Promise<void>;
}

export interface Plugin {
  name: string;
  commands?: readonly Command[];
  buttons?: readonly ButtonHandler[];
  /** Document formats, for the sandbox. */
  formats?: readonly DocumentFormat[];
  /** What happens with a document that a user sends. */
  documents?: FileHandler;
  /** What happens with a voice note, an audio or a video. */
  audio?: FileHandler;
  texts?: readonly TextHandler[];
  errors?: ErrorHandler;
}

/** Declares a plugin; only there so that it is type-checked where it is written. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** The file is larger than the bot takes. */
export class FileTooLargeError extends Error {
  override name = "FileTooLargeError";
  constructor(readonly limitBytes: number, options?: ErrorOptions) {
    super(`Cannot download the file as it is larger than ${limitBytes} bytes`, options);
  }
}
