/** Where something is sent to, and how it shows that nobody is there any more. */
import { GrammyError } from "grammy";

export interface ChatTarget {
  id: number;
  /** Forum topic. */
  threadId?: number;
}

/** The user blocked the bot, or the chat is gone: nobody can read an answer there. */
export class ChatGoneError extends Error {
  override name = "ChatGoneError";
  constructor(options: ErrorOptions) {
    super("Cannot send to the chat as it is gone or has blocked the bot", options);
  }
}

/** The parameter that names a chat's topic. */
export function topicOf({ threadId }: ChatTarget): { message_thread_id?: number } {
  return threadId === undefined ? {} : { message_thread_id: threadId };
}

/**
 * Gives what `call` gives.
 *
 * @throws {ChatGoneError} where Telegram says that nobody reads there any more
 */
export async function unlessGone<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof GrammyError && isGone(error)) throw new ChatGoneError({ cause: error });
    throw error;
  }
}

function isGone({ error_code, description }: GrammyError): boolean {
  return error_code === 403 ||
    (error_code === 400 &&
      /chat not found|group chat was upgraded|user is deactivated/.test(description));
}
