/** The chats as their users see them: messages, drafts, files, and what users send. */
import type { UpdateFeed } from "./update_feed.ts";

const UUID_LENGTH = 36;

export interface ChatButton {
  text: string;
  data: string;
}

export interface ChatMessage {
  id: number;
  from: "user" | "bot";
  text: string;
  format: "plain" | "html" | "markdown";
  buttons: readonly (readonly ChatButton[])[];
  /** Name of an attached file, and how large one is that the bot has sent. */
  file?: string;
  bytes?: number;
  /** The file's id, where it can be heard. */
  sound?: string;
  /** Milliseconds since the user's last message, for messages of the bot. */
  ms?: number;
}

export interface OutgoingFile {
  name: string;
  bytes: Uint8Array;
  mimeType: string;
  caption?: string;
  /** Files that are sent together have it in common. */
  album?: string;
}

/** A person who chats with the bot; sending gives the id of the update. */
export interface DemoUser {
  readonly id: number;
  sendText(text: string): number;
  sendFile(file: OutgoingFile): number;
  sendPhoto(bytes: Uint8Array, caption?: string): number;
  sendVoice(bytes: Uint8Array): number;
  sendAudio(file: OutgoingFile): number;
  press(messageId: number, data: string): number;
  /** Presses "stop" under a draft. */
  stop(draftId: number): number;
  /** The chat as it is now. */
  messages(): readonly ChatMessage[];
  /** Waits until the chat is as `predicate` wants it. */
  waitFor(
    predicate: (messages: readonly ChatMessage[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ChatMessage[]>;
}

/** What changes in a chat, for those who watch it. */
export type ChatEvent =
  | { type: "message" | "edit"; message: ChatMessage }
  | { type: "delete"; id: number }
  /** `stop` names a draft that can be stopped. */
  | { type: "draft"; text: string; format: ChatMessage["format"]; stop?: number }
  | { type: "typing" };

interface Person {
  id: number;
  firstName: string;
  languageCode: string;
}

class Chat {
  readonly messages: ChatMessage[] = [];
  readonly watchers = new Set<(event: ChatEvent) => void>();
  /** When the user last sent something, by `performance.now()`. */
  lastSentAt = 0;

  emit(event: ChatEvent): void {
    for (const watcher of [...this.watchers]) watcher(event);
  }
}

export class ChatStore {
  readonly #chats = new Map<number, Chat>();
  readonly #files = new Map<string, Uint8Array>();
  readonly #closers = new Set<() => void>();
  #nextMessageId = 1;

  constructor(readonly botId: number, readonly feed: UpdateFeed) {}

  chat(id: number): Chat | undefined {
    return this.#chats.get(id);
  }

  file(path: string): Uint8Array | undefined {
    return this.#files.get(path);
  }

  /** Keeps a file; gives its id, which is its path as well. */
  keep(bytes: Uint8Array, name: string): string {
    // Telegram's paths have nothing of a sender's own in them either.
    const fileId = `documents/${crypto.randomUUID()}/${name.replace(/[^\w.-]/g, "_")}`;
    this.#files.set(fileId, bytes);
    return fileId;
  }

  /** Adds a message of the bot. */
  post(chatId: number, content: Omit<ChatMessage, "id" | "from">): ChatMessage {
    const chat = this.#chats.get(chatId) ?? new Chat();
    this.#chats.set(chatId, chat);
    const ms = chat.lastSentAt === 0 ? undefined : performance.now() - chat.lastSentAt;
    const message: ChatMessage = {
      id: this.#nextMessageId++,
      from: "bot",
      ...content,
      ...(ms !== undefined && { ms }),
    };
    chat.messages.push(message);
    chat.emit({ type: "message", message });
    return message;
  }

  user(person: Person): DemoUser {
    const chat = this.#chats.get(person.id) ?? new Chat();
    this.#chats.set(person.id, chat);
    const from = {
      id: person.id,
      is_bot: false,
      first_name: person.firstName,
      language_code: person.languageCode,
    };
    const place = { id: person.id, type: "private", first_name: person.firstName };

    const send = (shown: { text: string; file?: string }, content: Record<string, unknown>) => {
      const message: ChatMessage = {
        id: this.#nextMessageId++,
        from: "user",
        format: "plain",
        buttons: [],
        ...shown,
      };
      chat.messages.push(message);
      chat.lastSentAt = performance.now();
      chat.emit({ type: "message", message });
      const update_id = this.feed.nextId();
      const date = Math.floor(Date.now() / 1_000);
      const sent = { message_id: message.id, date, chat: place, from, ...content };
      this.feed.push({ update_id, message: sent });
      return update_id;
    };
    const keep = (bytes: Uint8Array, name: string) => {
      const fileId = this.keep(bytes, name);
      return { file_id: fileId, file_unique_id: uniqueId(fileId), file_size: bytes.length };
    };

    return {
      id: person.id,
      sendText: (text) =>
        send({ text }, {
          text,
          ...(text.startsWith("/") && {
            entities: [{
              type: "bot_command",
              offset: 0,
              length: text.split(/\s/)[0]?.length ?? 0,
            }],
          }),
        }),
      sendFile: ({ name, bytes, mimeType, caption, album }) =>
        send({ text: caption ?? "", file: name }, {
          document: { ...keep(bytes, name), file_name: name, mime_type: mimeType },
          ...(caption !== undefined && { caption }),
          ...(album !== undefined && { media_group_id: album }),
        }),
      sendPhoto: (bytes, caption) =>
        send({ text: caption ?? "", file: "photo.jpg" }, {
          photo: [{ ...keep(bytes, "photo.jpg"), width: 1, height: 1 }],
          ...(caption !== undefined && { caption }),
        }),
      sendVoice: (bytes) =>
        send({ text: "", file: "voice.ogg" }, {
          voice: { ...keep(bytes, "voice.ogg"), duration: 1, mime_type: "audio/ogg" },
        }),
      sendAudio: ({ name, bytes, mimeType, caption }) =>
        send({ text: caption ?? "", file: name }, {
          audio: { ...keep(bytes, name), duration: 1, file_name: name, mime_type: mimeType },
          ...(caption !== undefined && { caption }),
        }),
      press: (messageId, data) => {
        chat.lastSentAt = performance.now();
        const update_id = this.feed.nextId();
        const message = { message_id: messageId, date: 0, chat: place, text: "" };
        const id = String(update_id);
        this.feed.push({
          update_id,
          callback_query: { id, from, data, message, chat_instance: String(person.id) },
        });
        return update_id;
      },
      stop: (draft_id) => {
        const update_id = this.feed.nextId();
        this.feed.push({ update_id, stopped_message_generation: { chat: place, draft_id } });
        return update_id;
      },
      messages: () => chat.messages,
      waitFor: (predicate, timeoutMs = 10_000) => waitFor(chat, predicate, timeoutMs),
    };
  }

  /** Calls `watcher` for each change of a chat until the returned end; `onClose` when all ends. */
  watch(chatId: number, watcher: (event: ChatEvent) => void, onClose: () => void): () => void {
    const watchers = this.#chats.get(chatId)?.watchers;
    watchers?.add(watcher);
    this.#closers.add(onClose);
    return () => {
      watchers?.delete(watcher);
      this.#closers.delete(onClose);
    };
  }

  close(): void {
    for (const closer of [...this.#closers]) closer();
  }
}

/** What a file's id has in common for all bots. */
export function uniqueId(fileId: string): string {
  return fileId.slice("documents/".length, "documents/".length + UUID_LENGTH);
}

function waitFor(
  chat: Chat,
  predicate: (messages: readonly ChatMessage[]) => boolean,
  timeoutMs: number,
): Promise<readonly ChatMessage[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly ChatMessage[]>();
  const look = () => predicate(chat.messages) && resolve(chat.messages);
  const timer = setTimeout(() => {
    const last = chat.messages.slice(-3).map(({ from, text }) => `${from}: ${text}`).join("\n");
    reject(new Error(`The chat is not as expected after ${timeoutMs} ms; it ends with\n${last}`));
  }, timeoutMs);
  chat.watchers.add(look);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    chat.watchers.delete(look);
  });
}
