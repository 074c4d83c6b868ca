/** The methods of the Bot API that the local server knows, with Telegram's checks and messages. */
import { z } from "zod";
import { type ChatMessage, ChatStore, uniqueId } from "./chats.ts";
import type { UpdateFeed } from "./update_feed.ts";

const TEXT_LIMIT = 4_096;
const RICH_LIMIT = 32_768;
const MAX_BUTTON_BYTES = 64;
const HTML_TAGS = /^(b|strong|i|em|u|ins|s|strike|del|code|pre|a|blockquote|tg-spoiler)$/;

/** An answer that is not ok. */
export class TelegramFault extends Error {
  constructor(readonly code: number, readonly description: string, readonly retryAfter?: number) {
    super(description);
  }

  body() {
    return {
      ok: false,
      error_code: this.code,
      description: this.description,
      ...(this.retryAfter !== undefined && { parameters: { retry_after: this.retryAfter } }),
    };
  }
}

/** One call of the bot, as the journal keeps it. */
export interface Call {
  method: string;
  payload: Record<string, unknown>;
  /** When it came, by `performance.now()`. */
  at: number;
  status: number;
}

interface World {
  chats: ChatStore;
  feed: UpdateFeed;
}

type Content = Pick<ChatMessage, "text" | "format" | "buttons" | "file" | "bytes" | "sound">;

const id = z.coerce.number().int();
const markup = z.object({
  inline_keyboard: z.array(z.array(z.object({ text: z.string(), callback_data: z.string() }))),
});
const upload = z.union([z.string(), z.instanceof(File)]);
const PAYLOAD = z.object({
  chat_id: id.optional(),
  message_id: id.optional(),
  draft_id: id.optional(),
  can_stop: z.coerce.boolean().optional(),
  offset: id.optional(),
  limit: id.optional(),
  timeout: id.optional(),
  text: z.string().optional(),
  parse_mode: z.string().optional(),
  rich_message: z.object({ markdown: z.string().optional(), html: z.string().optional() })
    .optional(),
  reply_markup: markup.optional(),
  file_id: z.string().optional(),
  document: upload.optional(),
  voice: upload.optional(),
  audio: upload.optional(),
  url: z.string().optional(),
  secret_token: z.string().optional(),
  language_code: z.string().optional(),
  commands: z.array(z.object({ command: z.string(), description: z.string() })).optional(),
});
type Payload = z.output<typeof PAYLOAD>;
type Method = (world: World, payload: Payload, signal: AbortSignal) => unknown;

/** Command menus by language, "" for all others; kept with the chats they are shown in. */
const menus = new WeakMap<ChatStore, Map<string, Payload["commands"]>>();

export function menuOf(chats: ChatStore, language: string): Payload["commands"] {
  const menu = menus.get(chats);
  return menu?.get(language) ?? menu?.get("") ?? [];
}

/** @throws {TelegramFault} as Telegram would refuse the call */
export async function callMethod(
  world: World,
  method: string,
  payload: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  const run = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (run === undefined) throw new TelegramFault(404, "Not Found");
  const parsed = PAYLOAD.safeParse(payload);
  if (!parsed.success) throw new TelegramFault(400, "Bad Request: can't parse parameters");
  return await run(world, parsed.data, signal);
}

const METHODS: Readonly<Record<string, Method>> = {
  getMe: ({ chats }) => ({
    id: chats.botId,
    is_bot: true,
    first_name: "Demo",
    username: "demo_bot",
    can_join_groups: true,
    can_read_all_group_messages: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
  }),
  async getUpdates({ feed }, { offset = 0, limit = 100, timeout = 0 }, signal) {
    const updates = await feed.poll(offset, limit, timeout * 1_000, signal);
    if (updates !== "conflict") return updates;
    throw new TelegramFault(409, "Conflict: terminated by other getUpdates request or webhook");
  },
  setWebhook({ feed }, { url = "", secret_token }) {
    feed.setWebhook(url, secret_token);
    return true;
  },
  deleteWebhook({ feed }) {
    feed.setWebhook("", undefined);
    return true;
  },
  getWebhookInfo: ({ feed }) => ({
    url: feed.webhookUrl,
    has_custom_certificate: false,
    pending_update_count: feed.pendingCount,
  }),
  setMyCommands({ chats }, { commands = [], language_code = "" }) {
    const menu = menus.get(chats) ?? new Map();
    menus.set(chats, menu.set(language_code, commands));
    return true;
  },
  getMyCommands: ({ chats }, { language_code = "" }) => menuOf(chats, language_code),
  sendMessage: (world, payload) => send(world, payload, textContent(payload)),
  sendRichMessage: (world, payload) => send(world, payload, richContent(payload)),
  sendDocument: (world, payload) => sendUpload(world, payload, "document"),
  sendVoice: (world, payload) => sendUpload(world, payload, "voice"),
  sendAudio: (world, payload) => sendUpload(world, payload, "audio"),
  sendMessageDraft: (world, payload) => draft(world, payload, { ...textContent(payload, true) }),
  sendRichMessageDraft: (world, payload) => draft(world, payload, richContent(payload)),
  editMessageText(world, payload) {
    const content = payload.rich_message === undefined
      ? textContent(payload)
      : richContent(payload);
    return edit(world, payload, content);
  },
  editMessageReplyMarkup: (world, payload) => edit(world, payload, { buttons: buttonsOf(payload) }),
  deleteMessage({ chats }, { chat_id = 0, message_id }) {
    const chat = chats.chat(chat_id);
    const at = chat?.messages.findIndex((message) => message.id === message_id) ?? -1;
    if (chat === undefined || at < 0) {
      throw new TelegramFault(400, "Bad Request: message to delete not found");
    }
    chat.messages.splice(at, 1);
    chat.emit({ type: "delete", id: message_id ?? 0 });
    return true;
  },
  answerCallbackQuery: () => true,
  sendChatAction({ chats }, { chat_id = 0 }) {
    chats.chat(chat_id)?.emit({ type: "typing" });
    return true;
  },
  getFile({ chats }, { file_id = "" }) {
    const bytes = chats.file(file_id);
    if (bytes === undefined) throw new TelegramFault(400, "Bad Request: invalid file_id");
    return {
      file_id,
      file_unique_id: uniqueId(file_id),
      file_size: bytes.length,
      file_path: file_id,
    };
  },
  getChat: (_, { chat_id = 0 }) => ({ id: chat_id, type: "private" }),
};

function send({ chats }: World, { chat_id }: Payload, content: Content) {
  if (chat_id === undefined || chats.chat(chat_id) === undefined) {
    throw new TelegramFault(400, "Bad Request: chat not found");
  }
  return asTelegram(chats.post(chat_id, content), chat_id, chats);
}

/** Sends a file: one that is known, or a new one. */
async function sendUpload(world: World, payload: Payload, kind: "document" | "voice" | "audio") {
  const { chats } = world;
  const file = payload[kind] ?? "";
  const fileId = typeof file === "string"
    ? file
    : chats.keep(new Uint8Array(await file.arrayBuffer()), file.name);
  const bytes = chats.file(fileId);
  if (bytes === undefined) {
    throw new TelegramFault(400, "Bad Request: wrong file identifier specified");
  }
  const name = typeof file === "string" ? file.split("/").at(-1) ?? kind : file.name;
  const sent = send(world, payload, {
    text: "",
    format: "plain",
    buttons: buttonsOf(payload),
    file: name,
    bytes: bytes.length,
    ...(kind !== "document" && { sound: fileId }),
  });
  const about = { file_id: fileId, file_unique_id: uniqueId(fileId), file_size: bytes.length };
  return { ...sent, [kind]: kind === "document" ? about : { ...about, duration: 1 } };
}

function draft(
  { chats }: World,
  { chat_id = 0, draft_id = 0, can_stop = false }: Payload,
  content: Content,
): true {
  if (draft_id === 0) throw new TelegramFault(400, "Bad Request: DRAFT_ID_INVALID");
  if (chat_id < 0) throw new TelegramFault(400, "Bad Request: drafts need a private chat");
  const { text, format } = content;
  chats.chat(chat_id)?.emit({ type: "draft", text, format, ...(can_stop && { stop: draft_id }) });
  return true;
}

function edit({ chats }: World, { chat_id = 0, message_id }: Payload, content: Partial<Content>) {
  const chat = chats.chat(chat_id);
  const message = chat?.messages.find((each) => each.id === message_id && each.from === "bot");
  if (chat === undefined || message === undefined) {
    throw new TelegramFault(400, "Bad Request: message to edit not found");
  }
  const before = JSON.stringify(message);
  Object.assign(message, content);
  if (JSON.stringify(message) === before) {
    throw new TelegramFault(400, "Bad Request: message is not modified");
  }
  chat.emit({ type: "edit", message });
  return asTelegram(message, chat_id, chats);
}

function asTelegram(message: ChatMessage, chatId: number, chats: ChatStore) {
  return {
    message_id: message.id,
    date: Math.floor(Date.now() / 1_000),
    chat: { id: chatId, type: "private", first_name: "User" },
    from: { id: chats.botId, is_bot: true, first_name: "Demo" },
    text: message.text,
  };
}

function textContent(payload: Payload, mayBeEmpty = false): Content {
  const { text = "", parse_mode } = payload;
  if (text.trim() === "" && !mayBeEmpty) {
    throw new TelegramFault(400, "Bad Request: message text is empty");
  }
  const isHtml = parse_mode?.toUpperCase() === "HTML";
  const shown = isHtml ? withoutTags(text) : text;
  if (shown.length > TEXT_LIMIT) throw new TelegramFault(400, "Bad Request: message is too long");
  return { text, format: isHtml ? "html" : "plain", buttons: buttonsOf(payload) };
}

function richContent(payload: Payload): Content {
  const { markdown, html } = payload.rich_message ?? {};
  const text = markdown ?? html ?? "";
  if (text.trim() === "") throw new TelegramFault(400, "Bad Request: rich message is empty");
  if (text.length > RICH_LIMIT) throw new TelegramFault(400, "Bad Request: message is too long");
  const format = markdown === undefined ? "html" : "markdown";
  return { text, format, buttons: buttonsOf(payload) };
}

function buttonsOf({ reply_markup }: Payload): Content["buttons"] {
  return (reply_markup?.inline_keyboard ?? []).map((row) =>
    row.map(({ text, callback_data }) => {
      const bytes = new TextEncoder().encode(callback_data).length;
      if (bytes < 1 || bytes > MAX_BUTTON_BYTES) {
        throw new TelegramFault(400, "Bad Request: BUTTON_DATA_INVALID");
      }
      return { text, data: callback_data };
    })
  );
}

/** The text as it is shown; tags that Telegram does not know or that do not match are refused. */
function withoutTags(html: string): string {
  const open: string[] = [];
  const fail = (what: string) => {
    throw new TelegramFault(400, `Bad Request: can't parse entities: ${what}`);
  };
  const shown = html.replace(/<(\/?)([\w-]+)([^>]*)>|<|>/g, (whole, slash, tag) => {
    if (tag === undefined) fail(`unexpected "${whole}"`);
    const name = String(tag).toLowerCase();
    if (!HTML_TAGS.test(name)) fail(`unsupported start tag "${name}"`);
    if (slash === "") open.push(name);
    else if (open.pop() !== name) fail(`unexpected end tag "${name}"`);
    return "";
  });
  if (open.length > 0) fail(`can't find end tag of "${open.at(-1)}"`);
  return shown.replace(/&(lt|gt|amp|quot|#\d+);/g, "x");
}
