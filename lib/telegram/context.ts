/** What a plugin's handler is given for one update: the chat, the user, and ways to answer. */
import type { Api, Context } from "grammy";
import type { AskName, Body, Reply, TellName } from "../../actors/protocol.ts";
import type {
  AskOptions,
  IncomingFile,
  PluginContext,
  PluginSettings,
  SentMessage,
} from "../../plugins/plugin.ts";
import type { Visitor } from "../db/user_queries.ts";
import { type Language, languageOf, type Translate } from "../texts/texts.ts";
import { topicOf } from "./chat_target.ts";
import { escapeArguments, escapeMarkdown } from "./markdown.ts";
import type { Preview } from "./previews.ts";
import type { Replies, Sending } from "./replies.ts";
import type { Sounds } from "./sounds.ts";
import type { Stoppable } from "./stops.ts";

/** Telegram shows an action for five seconds. */
const TYPING_MS = 4_500;

/** The outside world, as contexts reach it. */
export interface ContextPorts {
  api: Api;
  replies: Replies;
  sounds: Sounds;
  texts: Translate;
  settings: PluginSettings;
  ask<M extends AskName>(
    type: M,
    body: Body<M>,
    options: AskOptions<M> & { signal: AbortSignal },
  ): Promise<Reply<M>>;
  tell<M extends TellName>(type: M, body: Body<M>): void;
  /** Notes that a user is here; gives the language to speak. */
  touchUser(user: Visitor): Promise<Language>;
  download(file: IncomingFile, signal: AbortSignal): Promise<Uint8Array>;
  fetchPage(url: string, signal: AbortSignal): Promise<{ name: string; bytes: Uint8Array }>;
  /** Whether files of this album wait in this chat. */
  albumHasMore(chatId: number, albumId: string): Promise<boolean>;
  /** Waits until so many bytes may be in memory; they may until the result is disposed of. */
  reserve(bytes: number, signal: AbortSignal): Promise<Disposable>;
}

export interface HandlerContext extends PluginContext, AsyncDisposable {
  /** The message that a button stands under, if the update is a press of one. */
  readonly pressed: SentMessage | undefined;
}

/**
 * Makes the context of one update; the user is noted in the database, which
 * knows the language to speak. Disposing it ends what it shows of the work.
 *
 * @returns nothing when the update names no chat or no user
 */
export async function createContext(
  ports: ContextPorts,
  update: Context,
  sending: Sending,
  answer: Stoppable,
  handleText: (context: PluginContext, text: string) => Promise<void>,
): Promise<HandlerContext | undefined> {
  const { chat, from } = update;
  if (chat === undefined || from === undefined) return undefined;
  const { replies, settings, sounds, tell } = ports;
  const { signal } = sending;
  const threadId = update.msg?.is_topic_message ? update.msg.message_thread_id : undefined;
  const albumId = update.msg?.media_group_id;
  const target = { id: chat.id, ...(threadId !== undefined && { threadId }) };
  const name = [from.first_name, from.last_name].filter(Boolean).join(" ");
  const ask = <M extends AskName>(type: M, body: Body<M>, options: AskOptions<M> = {}) =>
    ports.ask(type, body, {
      ...options,
      signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
    });
  let language = await ports.touchUser({
    userId: from.id,
    name,
    language: languageOf(from.language_code),
  });
  let preview: Preview | undefined;
  const reserved: Disposable[] = [];
  let typing: ReturnType<typeof setInterval> | undefined;

  const sent = (id: number): SentMessage => {
    const ref = { chatId: chat.id, messageId: id };
    return {
      id,
      edit: (markdown, options = {}) => replies.edit(ref, markdown, options, sending),
      delete: () => replies.remove(ref, signal),
    };
  };
  const showDoing = (action: "typing" | "record_voice") => {
    // An indicator that does not show is no reason to fail.
    ports.api.sendChatAction(chat.id, action, topicOf(target), signal as never).catch(() => {});
  };

  const context: HandlerContext = {
    chat: { ...target, isPrivate: chat.type === "private" },
    user: { id: from.id, name },
    updateId: update.update.update_id,
    ...(albumId !== undefined && {
      album: { id: albumId, hasMore: () => ports.albumHasMore(chat.id, albumId) },
    }),
    get language() {
      return language;
    },
    signal,
    stopped: answer.signal,
    settings,
    pressed: update.callbackQuery?.message && sent(update.callbackQuery.message.message_id),
    t: (key, args = {}) => ports.texts(language, key, escapeArguments(args)),
    escape: escapeMarkdown,
    ask,
    tell,
    async reply(markdown, options = {}) {
      await preview?.end();
      preview = undefined;
      const { messageId } = await replies.send(target, markdown, options, sending);
      return sent(messageId);
    },
    preview(markdown) {
      if (preview === undefined) answer.watch();
      preview ??= replies.preview(target, update.update.update_id, signal);
      preview.show(markdown);
    },
    typing(action = "typing") {
      if (typing !== undefined) return;
      showDoing(action);
      typing = setInterval(() => showDoing(action), TYPING_MS);
    },
    async download(file) {
      reserved.push(await ports.reserve(file.size ?? settings.maxFileBytes, signal));
      return await ports.download(file, signal);
    },
    fetchPage: (url) => ports.fetchPage(url, signal),
    sentMessage: sent,
    sendFile: (file) => replies.sendFile(target, file, sending),
    sendSound: (sound) => sounds.send(target, sound, sending),
    sendKnownSound: (sound) => sounds.sendKnown(target, sound, sending),
    async setLanguage(chosen) {
      await ask("db.setLanguage", { userId: from.id, language: chosen });
      language = chosen;
    },
    handleText: (text) => handleText(context, text),
    async [Symbol.asyncDispose]() {
      clearInterval(typing);
      for (const each of reserved) each[Symbol.dispose]();
      await preview?.end();
    },
  };
  return context;
}
