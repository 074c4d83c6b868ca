/**
 * What becomes of an update in hand: it is handled and completed, given back to
 * be tried again, or after its last try ended, so that its chat goes on: kept
 * for the operator, its sender told.
 */
import { type Api, GrammyError } from "grammy";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import { logger } from "../log.ts";
import { type Language, languageOf, type Translate } from "../texts/texts.ts";
import { isWait, MAX_TRIES, MAX_WAITS } from "./patience.ts";
import type { SendOnce } from "./sent_messages.ts";
import type { StoredUpdate, UpdateQueue } from "./update_queue.ts";

/** What ended an update, as the `reason` of the metric `updates.dead`. */
export type DeathReason = "process" | "failure" | "waiting";

/** The outside world, as handling needs it. */
export interface HandlingPorts {
  queue: Pick<UpdateQueue, "complete" | "giveBack" | "bury" | "abandon">;
  api: Api;
  texts: Translate;
  /** Handles an update; fails when it should be handled again. */
  route(update: IncomingUpdate, once: SendOnce, signal: AbortSignal): Promise<void>;
  /** The language that a user has chosen, if the user is known. */
  readLanguage(userId: number, signal: AbortSignal): Promise<Language | undefined>;
  countDead(reason: DeathReason): void;
  /** Messages of a try that an earlier one has sent, or may have. */
  countRepeats(outcome: "avoided" | "possible", count: number): void;
}

/** Handles one update; never fails. */
export function createHandling(ports: HandlingPorts) {
  const log = logger("bot");
  const { queue } = ports;

  return async (stored: StoredUpdate, signal: AbortSignal): Promise<void> => {
    const id = stored.update.update_id;
    const giveUp = (reason: DeathReason, text: string) =>
      end(stored, reason, text, signal).catch((error) => {
        log.warn("Cannot end update {id} yet: {error}", { id, error });
        queue.abandon(stored);
      });
    if (stored.isDead) {
      // None of its tries has come to an end that could be told.
      if (stored.waits >= MAX_WAITS) return await giveUp("waiting", "it has waited too often");
      if (stored.failures >= MAX_TRIES) return await giveUp("failure", "it failed each time");
      return await giveUp("process", "the process that handled it ended each time");
    }
    try {
      await ports.route(stored.update, stored.sent.once, signal);
      await queue.complete(stored);
    } catch (error) {
      log.warn("Cannot finish update {id}: {error}", { id, error });
      const outcome = await queue.giveBack(stored, error).catch(() => "unclaimed" as const);
      if (outcome !== "dead") return;
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      await giveUp(isWait(error) ? "waiting" : "failure", text);
    } finally {
      const { avoided, possible } = stored.sent.repeats;
      ports.countRepeats("avoided", avoided);
      ports.countRepeats("possible", possible);
    }
  };

  /** Killed in between, it does the same again. */
  async function end(
    stored: StoredUpdate,
    kind: DeathReason,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { update } = stored;
    await queue.bury({ ...stored, retries: stored.retries + (stored.isDead ? 0 : 1) }, reason);
    await tell(stored, signal).catch((error) => {
      log.warn("Cannot tell of dead update {id}: {error}", { id: update.update_id, error });
    });
    await queue.complete(stored);
    ports.countDead(kind);
    log.error("Gave up update {id}, see 'deno task dead list': {reason}", {
      id: update.update_id,
      reason,
    });
  }

  async function tell({ update, sent }: StoredUpdate, signal: AbortSignal): Promise<void> {
    const sender = senderOf(update);
    if (sender === undefined) return;
    const { chatId, messageId, threadId, userId, code } = sender;
    const chosen = await ports.readLanguage(userId, signal).catch(() => undefined);
    const text = ports.texts(chosen ?? languageOf(code), "update-dead");
    try {
      await sent.once(text, async () => {
        const message = await ports.api.sendMessage(chatId, text, {
          ...(threadId !== undefined && { message_thread_id: threadId }),
          ...(messageId !== undefined && {
            reply_parameters: { message_id: messageId, allow_sending_without_reply: true },
          }),
        }, signal as never);
        return message.message_id;
      });
    } catch (error) {
      // Nobody is there any more to be told.
      if (!(error instanceof GrammyError)) throw error;
    }
  }
}

interface Sender {
  chatId: number;
  userId: number;
  /** Of their client, an IETF tag. */
  code: string | undefined;
  /** What is answered; not where the bot's own message was pressed. */
  messageId?: number;
  threadId?: number;
}

/** Who sent it and where; written for updates that may be of any shape, as these have failed. */
function senderOf({ message, callback_query: press }: IncomingUpdate): Sender | undefined {
  const sent = object(message);
  const pressed = object(press);
  const place = sent ?? object(pressed?.message);
  const from = object((sent ?? pressed)?.from);
  const chatId = object(place?.chat)?.id;
  if (typeof chatId !== "number" || typeof from?.id !== "number") return undefined;
  const { message_id: messageId, message_thread_id: threadId } = place ?? {};
  return {
    chatId,
    userId: from.id,
    code: typeof from.language_code === "string" ? from.language_code : undefined,
    ...(sent !== undefined && typeof messageId === "number" && { messageId }),
    ...(place?.is_topic_message === true && typeof threadId === "number" && { threadId }),
  };
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}
