/**
 * Sends Markdown so that it never fails on formatting or length: as Telegram's
 * HTML, as a rich message where a table or length asks for it, and as plain
 * text when the server refuses both.
 */
import { type Api, GrammyError, InputFile } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import type { Button, MessageOptions } from "../../plugins/plugin.ts";
import { type ChatTarget, topicOf, unlessGone } from "./chat_target.ts";
import { toPlainText, toTelegramHtml } from "./markdown.ts";
import { createPreviews, type StartPreview } from "./previews.ts";
import type { SendOnce } from "./sent_messages.ts";
import { MESSAGE_LIMIT, splitMarkdown } from "./split.ts";

/** Characters in one rich message. */
const RICH_LIMIT = 32_768;
const MAX_BUTTON_BYTES = 64;

export interface SentRef {
  chatId: number;
  messageId: number;
}

/** What goes with all that is sent for one update. */
export interface Sending {
  /** Keeps what an earlier try of the update has sent from being sent again. */
  once: SendOnce;
  signal: AbortSignal;
}

export interface Replies {
  /** Sends `markdown`, in several messages if it must be; gives the last, which has the buttons. */
  send(
    chat: ChatTarget,
    markdown: string,
    options: MessageOptions,
    sending: Sending,
  ): Promise<SentRef>;
  /** Replaces a message; what does not fit into it follows in a new one. */
  edit(ref: SentRef, markdown: string, options: MessageOptions, sending: Sending): Promise<void>;
  remove(ref: SentRef, signal: AbortSignal): Promise<void>;
  /** Sends a document: one that Telegram has, or bytes. */
  sendFile(
    chat: ChatTarget,
    file: { fileId: string } | { name: string; bytes: Uint8Array },
    sending: Sending,
  ): Promise<void>;
  /** Shows a text that is still being written. */
  preview: StartPreview;
}

export function createReplies(api: Api): Replies {
  /** Until a server shows that it does not know rich messages. */
  let takesRich = true;

  /** Runs `call` as rich message if the server takes one; says whether it did. */
  async function tryRich<T>(markdown: string, call: () => Promise<T>): Promise<T | undefined> {
    if (!takesRich || markdown.length > RICH_LIMIT) return undefined;
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof GrammyError)) throw error;
      if (error.error_code === 404) takesRich = false;
      if (error.error_code !== 400 && error.error_code !== 404) throw error;
      return undefined;
    }
  }

  async function sendOne(
    chat: ChatTarget,
    markdown: string,
    markup: Markup,
    { once, signal }: Sending,
  ): Promise<SentRef> {
    const other = { ...markup, ...topicOf(chat), link_preview_options: { is_disabled: true } };
    const messageId = await once(markdown, async () => {
      const message = await withPlainFallback(
        () =>
          api.sendMessage(
            chat.id,
            toTelegramHtml(markdown),
            { ...other, parse_mode: "HTML" },
            signal as never,
          ),
        () => api.sendMessage(chat.id, plain(markdown), other, signal as never),
      );
      return message.message_id;
    });
    return { chatId: chat.id, messageId };
  }

  return {
    async send(chat, markdown, { buttons }, sending) {
      return await unlessGone(async () => {
        const text = nonEmpty(markdown);
        const markup = markupOf(buttons);
        if (wantsRich(text)) {
          const messageId = await tryRich(
            text,
            () =>
              sending.once(`rich ${text}`, async () => {
                const message = await api.sendRichMessage(
                  chat.id,
                  { markdown: text },
                  { ...markup, ...topicOf(chat) },
                  sending.signal as never,
                );
                return message.message_id;
              }),
          );
          if (messageId !== undefined) return { chatId: chat.id, messageId };
        }
        const pieces = splitMarkdown(text);
        for (const piece of pieces.slice(0, -1)) await sendOne(chat, piece, {}, sending);
        return await sendOne(chat, pieces.at(-1) ?? text, markup, sending);
      });
    },

    async edit({ chatId, messageId }, markdown, { buttons }, sending) {
      const { signal } = sending;
      await unlessGone(async () => {
        const text = nonEmpty(markdown);
        const markup = markupOf(buttons);
        if (wantsRich(text)) {
          const rich = await tryRich(
            text,
            () =>
              api.editMessageText(chatId, messageId, { markdown: text }, markup, signal as never),
          );
          if (rich !== undefined) return;
        }
        const [first = text, ...more] = splitMarkdown(text);
        const firstMarkup = more.length === 0 ? markup : {};
        await withPlainFallback(
          () =>
            api.editMessageText(chatId, messageId, toTelegramHtml(first), {
              ...firstMarkup,
              parse_mode: "HTML",
            }, signal as never),
          () => api.editMessageText(chatId, messageId, plain(first), firstMarkup, signal as never),
        ).catch(ignore("message is not modified"));
        for (const [n, piece] of more.entries()) {
          await sendOne({ id: chatId }, piece, n === more.length - 1 ? markup : {}, sending);
        }
      });
    },

    async sendFile(chat, file, { once, signal }) {
      const document = "fileId" in file ? file.fileId : new InputFile(file.bytes, file.name);
      const content = `file ${"fileId" in file ? file.fileId : file.name}`;
      await unlessGone(() =>
        once(content, async () => {
          const message = await api.sendDocument(chat.id, document, topicOf(chat), signal as never);
          return message.message_id;
        })
      );
    },

    async remove({ chatId, messageId }, signal) {
      await unlessGone(() => api.deleteMessage(chatId, messageId, signal as never))
        .catch(ignore("message to delete not found"));
    },

    preview: createPreviews(api),
  };
}

type Markup = { reply_markup?: InlineKeyboardMarkup };

function markupOf(buttons: MessageOptions["buttons"]): Markup {
  if (buttons === undefined || buttons.length === 0) return {};
  return { reply_markup: { inline_keyboard: buttons.map((row) => row.map(keyOf)) } };
}

function keyOf({ text, data }: Button): { text: string; callback_data: string } {
  const bytes = new TextEncoder().encode(data).length;
  if (bytes === 0 || bytes > MAX_BUTTON_BYTES) {
    throw new RangeError(
      `Cannot use '${data}' as a button's data as it has ${bytes} bytes, not 1 to 64`,
    );
  }
  return { text, callback_data: data };
}

/** A table is no table in a proportional font, and one message reads better than five. */
function wantsRich(markdown: string): boolean {
  return /^\s*\|?.*\|.*\n\s*\|?\s*:?-{2,}/m.test(markdown) ||
    toPlainText(markdown).length > MESSAGE_LIMIT;
}

function nonEmpty(markdown: string): string {
  if (toPlainText(markdown).trim() !== "") return markdown;
  throw new RangeError("Cannot send a message as it has no text");
}

function plain(markdown: string): string {
  return toPlainText(markdown).slice(0, MESSAGE_LIMIT);
}

async function withPlainFallback<T>(html: () => Promise<T>, text: () => Promise<T>): Promise<T> {
  try {
    return await html();
  } catch (error) {
    if (error instanceof GrammyError && /can't parse entities/.test(error.description)) {
      return await text();
    }
    throw error;
  }
}

function ignore(description: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof GrammyError && error.description.includes(description))) throw error;
  };
}
