/**
 * Drafts: what an answer looks like while it is written. Only private chats
 * have them, the newest text wins, and a draft that fails is no loss.
 */
import { type Api, GrammyError } from "grammy";
import { logger } from "../log.ts";
import { toPlainText } from "./markdown.ts";
import type { ChatTarget } from "./chat_target.ts";
import { MESSAGE_LIMIT } from "./split.ts";

/** Telegram asks for about one message a second in a chat. */
const PAUSE_MS = 1_000;

export interface Preview {
  /** Shows `markdown` in place of what was shown before, as soon as Telegram may be called again. */
  show(markdown: string): void;
  /** Ends it: when this resolves, no draft is under way that could follow the answer. */
  end(): Promise<void>;
}

export type StartPreview = (chat: ChatTarget, draftId: number, signal: AbortSignal) => Preview;

export function createPreviews(api: Api): StartPreview {
  const log = logger("previews");
  /** What the server has shown to know, for all chats. */
  let method: "rich" | "plain" | "none" = "rich";

  async function send(chat: ChatTarget, id: number, text: string, signal: AbortSignal) {
    const topic = chat.threadId === undefined ? {} : { message_thread_id: chat.threadId };
    const other = { ...topic, can_stop: true, keep_on_stop: true };
    try {
      if (method === "rich") {
        await api.sendRichMessageDraft(chat.id, id, { markdown: text }, other, signal as never);
      } else if (method === "plain") {
        const shown = toPlainText(text).slice(-MESSAGE_LIMIT);
        await api.sendMessageDraft(chat.id, id, shown, other, signal as never);
      }
    } catch (error) {
      log.debug("Cannot show a draft: {error}", { error });
      // Half a Markdown text may be refused now and be fine with its next word; 404 is for good.
      if (error instanceof GrammyError && error.error_code === 404) {
        method = method === "rich" ? "plain" : "none";
      }
    }
  }

  return (chat, draftId, signal) => {
    let latest: string | undefined;
    let underWay: Promise<void> | undefined;
    let pause: ReturnType<typeof setTimeout> | undefined;
    // Groups have negative ids, and no drafts.
    let ended = chat.id < 0;

    function pump(): void {
      if (ended || latest === undefined || underWay !== undefined || pause !== undefined) return;
      const text = latest;
      latest = undefined;
      underWay = send(chat, draftId, text, signal).then(() => {
        underWay = undefined;
        if (ended) return;
        pause = setTimeout(() => {
          pause = undefined;
          pump();
        }, PAUSE_MS);
      });
    }

    return {
      show(markdown) {
        if (markdown.trim() === "") return;
        latest = markdown;
        pump();
      },
      async end() {
        ended = true;
        clearTimeout(pause);
        await underWay;
      },
    };
  };
}
