/** A file that a user sends: one message tells its stages, and how it ended. */
import { setTimeout as delay } from "node:timers/promises";
import { DocumentRefusedError, type NewDocument, type Stage } from "../../lib/library.ts";
import {
  type Button,
  definePlugin,
  FileTooLargeError,
  type IncomingFile,
  type PluginContext,
  type SentMessage,
} from "../plugin.ts";
import { requestButtons } from "../questions/requests.ts";
import { addFile, type Outcome } from "./adding.ts";

/** Telegram allows about one edit a second in a chat. */
const EDIT_MS = 1_500;

/** Files of an album come one by one; this long after the last one no more is waited for. */
const STRAGGLER_MS = 700;

export default definePlugin({
  name: "receive",
  documents: {
    run: (context, file, caption) => receiveFile(context, file, caption, "document-reading"),
  },
  buttons: [{
    // The queue knows this name: a press of it does not wait behind the file it is about.
    name: "cancel",
    async run({ ask, user }, updateId) {
      // Who reads the file sees it, in whatever process that is, and edits the message.
      await ask("db.cancelUpload", { updateId: Number(updateId), userId: user.id });
    },
  }],
});

/**
 * Adds a file to the library, and when it is ready answers the question that came with it.
 *
 * @param doing the Fluent key of what is shown at first, such as `document-reading`
 */
export async function receiveFile(
  context: PluginContext,
  file: IncomingFile,
  caption: string,
  doing: string,
): Promise<void> {
  const upload = await beginUpload(context, file.name, caption, { doing });
  const { documentIds, lines } = await receive(context, file.name, upload, async () => ({
    userId: context.user.id,
    name: file.name,
    bytes: await context.download(file),
    fileId: file.fileId,
    updateId: context.updateId,
  }));
  if (context.album !== undefined) {
    await context.ask("db.noteUpload", { updateId: context.updateId, lines, documentIds });
    if (await hasMore(context)) return;
  }
  await context.ask("db.endUpload", { updateId: context.updateId });
  const isReady = documentIds.length > 0;
  if (isReady && upload.caption.trim() !== "") await context.handleText(upload.caption);
}

/** Where the progress is told, and what the album's files before this one came to. */
export interface UploadProgress {
  message: SentMessage;
  earlier: readonly string[];
  /** Of the file, or of any of its album. */
  caption: string;
  /** What came of the album's files before this one. */
  documentIds: readonly number[];
}

/** How the message begins. */
export interface BeginOptions {
  /** A message to tell the progress in, instead of a new one. */
  shown?: SentMessage;
  /** The Fluent key of what it says at first. */
  doing?: string;
}

/** The message that tells the progress; after a restart the one that was there before. */
export async function beginUpload(
  context: PluginContext,
  name: string,
  caption: string,
  { shown, doing = "document-reading" }: BeginOptions = {},
): Promise<UploadProgress> {
  const { ask, album, reply, t, updateId, user } = context;
  const upload = await ask("db.beginUpload", {
    updateId,
    userId: user.id,
    caption,
    ...(album && { album: album.id }),
  });
  const { messageId, lines: earlier, documentIds } = upload;
  const progress = { earlier, documentIds, caption: upload.caption };
  if (messageId !== null) return { message: context.sentMessage(messageId), ...progress };
  const text = t(doing, { name });
  const buttons = cancelButton(context);
  await shown?.edit(text, { buttons });
  const message = shown ?? await reply(text, { buttons });
  await ask("db.showUpload", { updateId, messageId: message.id });
  return { message, ...progress };
}

/** Whether more files of the album are there, or come within a moment. */
async function hasMore({ album, signal }: PluginContext): Promise<boolean> {
  if (album === undefined) return false;
  if (await album.hasMore()) return true;
  await delay(STRAGGLER_MS, undefined, { signal });
  return await album.hasMore();
}

/**
 * Adds what `fetch` gives, and says in the message how each file of it ended.
 *
 * @returns the documents to ask about, those of the album so far among them
 */
export async function receive(
  context: PluginContext,
  name: string,
  { message, earlier, documentIds: before }: UploadProgress,
  fetch: () => Promise<NewDocument>,
): Promise<{ documentIds: number[]; lines: string[] }> {
  const progress = new Progress(message, earlier, cancelButton(context));
  let outcomes: Outcome[] = [];
  let sentence: string | undefined;
  try {
    outcomes = await addFile(context, await fetch(), {
      onStage: (inner, stage, n, of) => progress.show(stageText(context, inner, stage, n, of)),
    });
  } catch (error) {
    sentence = sentenceFor(context, name, error);
    if (sentence === undefined) throw error;
  } finally {
    await progress.end();
  }
  const told = outcomes.flatMap((outcome) => outcomeLine(context, outcome));
  const lines = [sentence ?? (told.join("\n\n") || context.t("refused-empty", { name }))];
  const [only, ...others] = documentsOf(outcomes);
  const buttons = only !== undefined && others.length === 0 && earlier.length === 0
    ? requestButtons(context, only)
    : [];
  await message.edit([...earlier, ...lines].join("\n\n"), { buttons });
  await count(context, name, outcomes);
  const documentIds = [...new Set([...before, ...documentsOf(outcomes)])];
  // What came together is asked about together: an album, a letter with its attachments.
  if (documentIds.length > 1) {
    await context.ask("db.chooseDocuments", { userId: context.user.id, documentIds });
  }
  return { documentIds, lines };
}

function documentsOf(outcomes: readonly Outcome[]): number[] {
  return outcomes.flatMap((outcome) =>
    "added" in outcome && outcome.added.document ? [outcome.added.document.id] : []
  );
}

function cancelButton({ t, updateId }: PluginContext): Button[][] {
  return [[{ text: t("button-cancel"), data: `cancel:${updateId}` }]];
}

const DOING = {
  extracting: "document-reading",
  listening: "document-listening",
  indexing: "document-indexing",
} as const;

function stageText(
  { t }: PluginContext,
  name: string,
  stage: Stage,
  n: number,
  of: number,
): string {
  const text = stage.stage === "scanning"
    ? t("document-scanning", { name, done: stage.done, of: stage.of })
    : stage.stage === "listening" && stage.of > 1
    ? t("document-listening-part", { name, part: stage.part, of: stage.of })
    : t(DOING[stage.stage], { name });
  return of > 1 ? `${text} (${n}/${of})` : text;
}

function outcomeLine(context: PluginContext, outcome: Outcome): string[] {
  const { t } = context;
  if ("refused" in outcome) return [sentenceFor(context, outcome.name, outcome.refused) ?? ""];
  const { document, known, unread, files } = outcome.added;
  if (document === undefined) {
    return files.length === 0 ? [t("refused-empty", { name: outcome.name })] : [];
  }
  const pages = t("unit-count", { count: document.pages, unit: document.unit });
  const line = t(known ? "document-known" : "document-ready", { name: document.name, pages });
  if (unread === 0) return [line];
  const left = t("unit-count", { count: unread, unit: document.unit });
  return [`${line} ${t("document-unread", { pages: left })}`];
}

async function count(
  { ask, tell, user }: PluginContext,
  name: string,
  outcomes: readonly Outcome[],
): Promise<void> {
  const counted = outcomes.map((outcome) =>
    "added" in outcome
      ? { type: outcome.added.document?.format ?? "archive", success: true }
      : { type: extensionOf(outcome.name), success: false }
  );
  // What could not even be fetched has no outcome.
  if (counted.length === 0) counted.push({ type: extensionOf(name), success: false });
  for (const tags of counted) tell("metrics.count", { name: "documents.processed", tags });
  const documents =
    outcomes.filter((outcome) =>
      "added" in outcome && outcome.added.document !== undefined && !outcome.added.known
    ).length;
  if (documents > 0) await ask("db.countUsage", { userId: user.id, documents });
}

/** What the user reads of a file that was refused; nothing for what is no refusal. */
export function sentenceFor(
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

/** Edits one message as work goes on: one edit after the other, the latest text, not too often. */
class Progress {
  #next: string | undefined;
  #editing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = performance.now();

  constructor(
    readonly message: SentMessage,
    readonly earlier: readonly string[],
    readonly buttons: readonly Button[][],
  ) {}

  show(text: string): void {
    this.#next = text;
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#last + EDIT_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#editing = this.#editing.then(() => this.#edit());
    }, wait);
  }

  async #edit(): Promise<void> {
    const text = this.#next;
    this.#last = performance.now();
    if (text === undefined) return;
    const whole = [...this.earlier, text].join("\n\n");
    await this.message.edit(whole, { buttons: this.buttons }).catch(() => {
      // The edit that tells the end is the one that counts.
    });
  }

  /** Nothing is edited any more. */
  async end(): Promise<void> {
    this.#next = undefined;
    clearTimeout(this.#timer);
    await this.#editing;
  }
}
