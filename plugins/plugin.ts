/**
 * What a plugin is. Plugins import this file, the protocol's types and parsing
 * libraries, and nothing else of the bot.
 */
import type { AskName, Body, Chunk, Reply, TellName } from "../actors/protocol.ts";
import type { Content, Unit } from "../lib/library.ts";
import type { Language, TextArguments } from "../lib/texts/texts.ts";

/** Where a message was sent. */
export interface Chat {
  /** Telegram's id; groups have negative ones. */
  id: number;
  /** Nobody else reads what is sent here. */
  isPrivate: boolean;
  /** Forum topic, where the chat has topics. */
  threadId?: number;
}

/** Who sent a message. */
export interface User {
  /** Telegram's id. */
  id: number;
  /** First and last name, as they are shown in Telegram. */
  name: string;
}

/** A button under a message. `data` is `<name>:<argument>`, 64 bytes at most. */
export interface Button {
  /** What stands on it; plain text. */
  text: string;
  /** Comes back when it is pressed. */
  data: string;
}

/** What comes along with a message's text. */
export interface MessageOptions {
  /** Rows of buttons. */
  buttons?: readonly (readonly Button[])[];
}

/** A sent message that can be changed afterwards. */
export interface SentMessage {
  /** Telegram's id of the message within its chat. */
  id: number;
  /** Replaces text and buttons. Does nothing if both are as before. */
  edit(markdown: string, options?: MessageOptions): Promise<void>;
  /** Takes the message away; does nothing if it is gone already. */
  delete(): Promise<void>;
}

/** How long to wait for a reply, and what to do meanwhile. */
export interface AskOptions<M extends AskName> {
  /** Milliseconds; the ask's own limit if not given. */
  timeoutMs?: number;
  /** Receives what is streamed before the reply. */
  onChunk?: (chunk: Chunk<M>) => void;
  /** Ends the wait, and the work, before the handler's own end. */
  signal?: AbortSignal;
}

/** A file as Telegram announced it. */
export interface IncomingFile {
  /** What Telegram gives the file for. */
  fileId: string;
  /** As the sender named it; nothing to rely on. */
  name: string;
  /** As the sender's client guessed it; nothing to rely on. */
  mimeType: string;
  /** Bytes, as far as Telegram says. */
  size?: number;
  /** It was spoken into the chat: something that is said, not a file to be kept. */
  isVoice?: true;
}

/** Something to be heard. */
export interface Sound {
  /** As it is shown where it is no voice note, with an extension. */
  name: string;
  /** A whole file of its format. */
  bytes: Uint8Array;
  /** Of the content; Ogg is sent as a voice note. */
  mimeType: string;
  /** How long it lasts, if that is known. */
  seconds?: number;
}

/** A sound that Telegram has. */
export interface KnownSound {
  /** What Telegram takes it for. */
  kind: "voice" | "audio" | "document";
  /** What Telegram sends it again for. */
  fileId: string;
}

/** What a handler is given; it has no other way to reach the outside. */
export interface PluginContext {
  /** Where to answer. */
  readonly chat: Chat;
  /** Who asks. */
  readonly user: User;
  /** Of files that were sent together; absent for one alone. */
  readonly album?: {
    /** The same for all of them. */
    id: string;
    /** Whether more of them wait to be handled. */
    hasMore(): Promise<boolean>;
  };
  /** Telegram's ordinal of what is handled; the same when it is handled again after a restart. */
  readonly updateId: number;
  /** What `t` speaks. */
  readonly language: Language;
  /** Aborted when the handler's time is over, or the bot is killed. */
  readonly signal: AbortSignal;
  /** Aborted when the user wants no more of the answer that is being written; what there is can be sent. */
  readonly stopped: AbortSignal;
  /** Settings that handlers need. */
  readonly settings: PluginSettings;
  /** A text of the user's language, by its Fluent key. Arguments are escaped for Markdown. */
  t(key: string, args?: TextArguments): string;
  /** Makes text of a user or a document harmless within Markdown. */
  escape(text: string): string;
  /** Asks an actor; see `actors/protocol.ts` for what can be asked. */
  ask<M extends AskName>(type: M, body: Body<M>, options?: AskOptions<M>): Promise<Reply<M>>;
  /** Tells an actor something that needs no reply. */
  tell<M extends TellName>(type: M, body: Body<M>): void;
  /** Sends GitHub-style Markdown; long texts are split or sent rich, and never fail on formatting. */
  reply(markdown: string, options?: MessageOptions): Promise<SentMessage>;
  /** A message of this chat that the bot has sent before. */
  sentMessage(id: number): SentMessage;
  /** Sends a file: one that Telegram has, or bytes. */
  sendFile(file: { fileId: string } | { name: string; bytes: Uint8Array }): Promise<void>;
  /** Sends a sound; gives how to send it again, unless it was sent before a restart. */
  sendSound(sound: Sound): Promise<KnownSound | undefined>;
  /** Sends a sound again; gives `false`, and sends nothing, where Telegram has it no more. */
  sendKnownSound(sound: KnownSound): Promise<boolean>;
  /** Shows Markdown that grows while it is written. Nothing is kept: `reply` follows. */
  preview(markdown: string): void;
  /** Shows "typing …", or "recording …", until the handler ends. */
  typing(action?: "typing" | "record_voice"): void;
  /**
   * Fetches a file's content.
   *
   * @throws {FileTooLargeError} above the configured size
   */
  download(file: IncomingFile): Promise<Uint8Array>;
  /**
   * Fetches a page of the public internet.
   *
   * @throws {PageRefusedError} with the reason why it cannot be read
   */
  fetchPage(url: string): Promise<{ name: string; bytes: Uint8Array }>;
  /** Changes the language of the user, from now on; `t` speaks it at once. */
  setLanguage(language: Language): Promise<void>;
  /** Handles a text as if the user had sent it as a message of its own. */
  handleText(text: string): Promise<void>;
}

/** What handlers need to know of the configuration. */
export interface PluginSettings {
  /** The most document tokens in one prompt. */
  contextTokens: number;
  /** How long an answer is kept for the same question. */
  cacheTtlSeconds: number;
  /** Larger files are refused. */
  maxFileBytes: number;
  /** Questions that a user may ask, and tokens of the AI that they may cost; 0 means no limit. */
  quotas: { perMinute: number; perDay: number; tokensPerDay: number };
  /** Who answers, as part of an answer's cache key: `<provider>/<model>`. */
  model: string;
  /** Whether the AI takes recordings. */
  hears: boolean;
  /** Who reads answers aloud, and the longest text of theirs; absent where the AI does not speak. */
  speech?: { voice: string; maxLetters: number };
  /** File name extensions that can be read, for texts that name them. */
  extensions: readonly string[];
  /** All commands of all plugins, in the order of `/help`. */
  commands: readonly Pick<Command, "name" | "description">[];
}

/** Something that a user can send as `/name`. */
export interface Command {
  /** Without the slash. */
  name: string;
  /** Fluent key of the line in the command menu and in `/help`. */
  description: string;
  /** `argument` is what follows the command, trimmed. */
  run(context: PluginContext, argument: string): Promise<void>;
}

/** What happens when a button is pressed. */
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
  /** What its sections count. */
  unit: Unit;
  /** Whether the content is of this format; the name is only a hint. */
  matches(bytes: Uint8Array, fileName: string): boolean;
  /**
   * Reads the whole file, in reading order.
   *
   * @throws {DocumentRefusedError} for a file that cannot be read
   */
  extract(bytes: Uint8Array<ArrayBuffer>, context: ExtractContext): Promise<Content>;
}

/** What reads letters in pictures: the program, and the model of Russian, which may be missing. */
export type OcrPart = "engine" | "rus";

/** What an extractor has beside the file. */
export interface ExtractContext {
  /** As the sender named it; nothing to rely on. */
  readonly name: string;
  /** How many files it came within: 0 for one that a user sent. */
  readonly depth: number;
  /** Tells that a page was read from its picture, which takes seconds; grants the time for `of`. */
  onScanned(done: number, of: number): Promise<void>;
  /** A part of what reads letters in pictures; nothing where it is not installed. */
  ocrPart(part: OcrPart): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** What happens with a file. */
export interface FileHandler {
  /** `caption` is the text that came with it, or empty. */
  run(context: PluginContext, file: IncomingFile, caption: string): Promise<void>;
}

/** What happens with a text. */
export interface TextHandler {
  /** Handlers are asked in the order of the plugin list; the first that claims the text runs. */
  claims(text: string): boolean;
  /** Answers it. */
  run(context: PluginContext, text: string): Promise<void>;
}

/** What a user is told when a handler fails. */
export interface ErrorHandler {
  /** Tells the user that a handler failed with `error`, which is logged already. */
  run(context: PluginContext, error: unknown): Promise<void>;
}

/** One thing that the bot can do, in all its parts. */
export interface Plugin {
  /** For logs and error messages. */
  name: string;
  /** Listed in the menu and in `/help`. */
  commands?: readonly Command[];
  /** By their names; one plugin's buttons are not pressed in another's messages. */
  buttons?: readonly ButtonHandler[];
  /** Document formats, for the sandbox. */
  formats?: readonly DocumentFormat[];
  /** What happens with a document that a user sends. */
  documents?: FileHandler;
  /** What happens with a voice note, an audio or a video. */
  audio?: FileHandler;
  /** What happens with texts that are no command. */
  texts?: readonly TextHandler[];
  /** The first plugin that has it is asked. */
  errors?: ErrorHandler;
}

/** Declares a plugin; only there so that it is type-checked where it is written. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** The file is larger than the bot takes. */
export class FileTooLargeError extends Error {
  /** Tells the class also across a process's border. */
  override name = "FileTooLargeError";
  /** `limitBytes` is the most that would have been taken. */
  constructor(readonly limitBytes: number, options?: ErrorOptions) {
    super(`Cannot download the file as it is larger than ${limitBytes} bytes`, options);
  }
}
