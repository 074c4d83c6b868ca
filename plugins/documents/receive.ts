/** A file that a user sends: one message tells its stages, and how it ended. */
import { DocumentRefusedError, type Stage } from "../../lib/library.ts";
import { definePlugin, FileTooLargeError, type PluginContext } from "../plugin.ts";

/** Reading has its own limits; this is the end of waiting for a busy sandbox. */
const ADD_TIMEOUT_MS = 5 * 60_000;

export default definePlugin({
  name: "receive",
  documents: {
    async run(context, file, caption) {
      const { t, ask, tell, user } = context;
      const message = await context.reply(t("document-reading", { name: file.name }));
      // One edit after the other, so that the last one is the one that stays.
      let shown = Promise.resolve();
      try {
        const bytes = await context.download(file);
        const { document, known } = await ask(
          "library.add",
          { userId: user.id, name: file.name, bytes, fileId: file.fileId },
          {
            timeoutMs: ADD_TIMEOUT_MS,
            onChunk: (stage: Stage) => {
              if (stage !== "indexing") return;
              shown = message.edit(t("document-indexing", { name: file.name })).catch(() => {
                // The edit that tells the end is the one that counts.
              });
            },
          },
        );
        await shown;
        const pages = t("unit-count", { count: document.pages, unit: document.unit });
        await message.edit(
          t(known ? "document-known" : "document-ready", { name: document.name, pages }),
        );
        tell("metrics.count", {
          name: "documents.processed",
          tags: { type: document.format, success: true },
        });
        if (!known) await ask("db.countUsage", { userId: user.id, documents: 1 });
      } catch (error) {
        const sentence = sentenceFor(context, file.name, error);
        if (sentence === undefined) throw error;
        await shown;
        await message.edit(sentence);
        tell("metrics.count", {
          name: "documents.processed",
          tags: { type: extensionOf(file.name), success: false },
        });
        return;
      }
      if (caption.trim() !== "") await context.handleText(caption);
    },
  },
});

/** What the user reads of a file that was refused; nothing for what is no refusal. */
function sentenceFor(
  { t, settings }: PluginContext,
  name: string,
  error: unknown,
): string | undefined {
  if (error instanceof DocumentRefusedError) {
    return t(`refused-${error.reason}`, { name, list: settings.extensions.join(", ") });
  }
  if (error instanceof FileTooLargeError) {
    return t("file-too-large", { megabytes: Math.floor(error.limitBytes / 1024 / 1024) });
  }
}

function extensionOf(name: string): string {
  return /\.(\w{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? "none";
}
