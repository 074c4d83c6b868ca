/** How updates come in: signing in with Telegram, the command menus, polling and the webhook. */
import { type Api, GrammyError } from "grammy";
import type { UserFromGetMe } from "grammy/types";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import type { Command } from "../../plugins/plugin.ts";
import { LANGUAGES, type Translate } from "../texts/texts.ts";
import { TelegramConflictError, TelegramRefusedError } from "./errors.ts";

const POLL_S = 30;
const POLL_LIMIT = 100;
const WEBHOOK_CONNECTIONS = 100;
/** The kinds that some handler takes. */
const ALLOWED_UPDATES = [
  "message",
  "callback_query",
  "stopped_message_generation",
] as const;

export interface SignInOptions {
  api: Api;
  texts: Translate;
  commands: readonly Pick<Command, "name" | "description">[];
  /** Absent: updates will be polled. */
  webhook?: { url: string; secret: string } | undefined;
}

/**
 * Finds out who we are, sets the command menus, and tells Telegram where
 * updates go.
 *
 * @throws {TelegramRefusedError} when the token is not accepted
 */
export async function signIn(
  { api, texts, commands, webhook }: SignInOptions,
  signal: AbortSignal,
): Promise<UserFromGetMe> {
  const me = await api.getMe(signal as never).catch(refused);
  for (const language of LANGUAGES) {
    const menu = commands.map(({ name, description }) => ({
      command: name,
      description: texts(language, description),
    }));
    // English is also the menu of every language that has none of its own.
    const scope = language === "en" ? {} : { language_code: language };
    await api.setMyCommands(menu, scope, signal as never);
  }
  if (webhook === undefined) await api.deleteWebhook({}, signal as never);
  else {
    await api.setWebhook(webhook.url, {
      secret_token: webhook.secret,
      allowed_updates: ALLOWED_UPDATES,
      max_connections: WEBHOOK_CONNECTIONS,
    }, signal as never);
  }
  return me;
}

/**
 * Waits for updates from `offset` on; asking for them acknowledges all before.
 *
 * @throws {TelegramRefusedError} when the token is not accepted any more
 * @throws {TelegramConflictError} when somebody else takes the updates
 */
export async function pollUpdates(
  api: Api,
  offset: number,
  signal: AbortSignal,
): Promise<readonly IncomingUpdate[]> {
  const updates = await api.getUpdates({
    offset,
    timeout: POLL_S,
    limit: POLL_LIMIT,
    allowed_updates: ALLOWED_UPDATES,
  }, signal as never).catch(refused);
  return updates.map((update) => ({ ...update }));
}

function refused(error: unknown): never {
  if (error instanceof GrammyError && error.error_code === 401) {
    throw new TelegramRefusedError("it does not accept the BOT_TOKEN: is it right, or revoked?", {
      cause: error,
    });
  }
  if (error instanceof GrammyError && error.error_code === 409) {
    throw new TelegramConflictError({ cause: error });
  }
  throw error;
}
