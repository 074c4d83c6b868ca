/** What stands in a message: its file, its recording, its text, and whether it is meant for us. */
import type { Context } from "grammy";
import type { UserFromGetMe } from "grammy/types";
import type { IncomingFile } from "../../plugins/plugin.ts";

/** The voice note, audio or video of a message. */
export function recordingIn({ msg }: Context): IncomingFile | undefined {
  const recording = msg?.voice ?? msg?.audio ?? msg?.video ?? msg?.video_note;
  if (recording === undefined) return undefined;
  const described: object & { file_name?: string; mime_type?: string } = recording;
  const { file_name, mime_type } = described;
  const day = new Date((msg?.date ?? 0) * 1_000).toISOString().slice(0, 10);
  const name = file_name ?? `recording ${day}`;
  const file = describe(recording, name, mime_type ?? "application/octet-stream");
  return msg?.voice === undefined ? file : { ...file, isVoice: true };
}

/** The document of a message, or its picture in the largest size. */
export function fileIn({ msg }: Context): IncomingFile | undefined {
  if (msg?.document !== undefined) {
    const { document } = msg;
    const mimeType = document.mime_type ?? "application/octet-stream";
    return describe(document, document.file_name ?? "document", mimeType);
  }
  const photo = msg?.photo?.at(-1);
  return photo && describe(photo, "photo.jpg", "image/jpeg");
}

function describe(
  { file_id, file_size }: { file_id: string; file_size?: number },
  name: string,
  mimeType: string,
): IncomingFile {
  return { fileId: file_id, name, mimeType, ...(file_size !== undefined && { size: file_size }) };
}

/** The text without the mention of the bot that it may begin or end with. */
export function textForBot({ msg }: Context, { username }: UserFromGetMe): string | undefined {
  if (msg?.text === undefined) return undefined;
  const mention = new RegExp(`^@${username}\\b[\\s,:]*|\\s*@${username}$`, "gi");
  return msg.text.replace(mention, "").trim();
}

/**
 * Whether an update is meant for the bot: all that comes in private; in a group
 * a button, a command, a reply to the bot, or a message that mentions it.
 */
export function isAddressed(update: Context, { id, username }: UserFromGetMe): boolean {
  const { chat, callbackQuery, message } = update;
  if (callbackQuery !== undefined) return true;
  if (chat === undefined || message === undefined || message.from?.is_bot) return false;
  const text = message.text ?? message.caption ?? "";
  const [, command, target] = /^\/(\w+)(?:@(\w+))?/.exec(text) ?? [];
  if (target !== undefined) return target.toLowerCase() === username.toLowerCase();
  if (chat.type === "private" || command !== undefined) return true;
  return message.reply_to_message?.from?.id === id ||
    text.toLowerCase().includes(`@${username.toLowerCase()}`);
}
