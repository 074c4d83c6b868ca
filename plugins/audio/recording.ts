/**
 * Voice notes and recordings. What is spoken into the chat is a question; an
 * audio or a video is a document, whose citations name the minute.
 */
import { definePlugin, type IncomingFile, type PluginContext } from "../plugin.ts";
import { receiveFile, sentenceFor } from "../documents/receive.ts";

/** All parts with all their attempts. */
const HEAR_TIMEOUT_MS = 9 * 60_000;
/** As long as Telegram lets a written question be. */
const MAX_LETTERS = 4_096;

export default definePlugin({
  name: "recording",
  audio: {
    async run(context, file, caption) {
      const { reply, settings, t } = context;
      if (!settings.hears) await reply(t("audio-unsupported"));
      else if (file.isVoice) await answerVoice(context, file);
      else await receiveFile(context, file, caption, "document-listening");
    },
  },
});

/** Shows what was said, and answers it; after a restart in the message that was there before. */
async function answerVoice(context: PluginContext, file: IncomingFile): Promise<void> {
  const { ask, reply, sentMessage, t, updateId, user } = context;
  const begun = await ask("db.beginUpload", { updateId, userId: user.id, caption: "" });
  const { messageId } = begun;
  const message = messageId === null ? await reply(t("voice-listening")) : sentMessage(messageId);
  if (messageId === null) await ask("db.showUpload", { updateId, messageId: message.id });
  const heard = begun.lines[0] ?? await hear(context, file);
  if (typeof heard !== "string") await message.edit(heard.sentence);
  else {
    // After a restart nothing is heard, and paid for, twice.
    await ask("db.noteUpload", { updateId, lines: [heard], documentIds: [] });
    const isLong = heard.length > MAX_LETTERS;
    await message.edit([quoted(context, heard), ...isLong ? [t("voice-long")] : []].join("\n\n"));
    if (!isLong) await context.handleText(heard);
  }
  await ask("db.endUpload", { updateId });
}

/** What is said in a voice note, or the sentence that tells why that is not known. */
async function hear(
  context: PluginContext,
  file: IncomingFile,
): Promise<string | { sentence: string }> {
  const { ask, download, t, typing, user } = context;
  typing();
  try {
    const bytes = await download(file);
    return await ask("library.hear", { userId: user.id, bytes }, { timeoutMs: HEAR_TIMEOUT_MS });
  } catch (error) {
    const sentence = sentenceFor(context, t("voice-name"), error);
    if (sentence === undefined) throw error;
    return { sentence };
  }
}

function quoted({ escape }: PluginContext, text: string): string {
  return text.split("\n").map((line, n) => `> ${n === 0 ? "🎤 " : ""}${escape(line)}`).join("\n");
}
