/** Telegram's failures that the BotActor tells apart. */

/** Telegram refuses us for good, so trying again cannot help. */
export class TelegramRefusedError extends Error {
  override name = "TelegramRefusedError";
  constructor(detail: string, options?: ErrorOptions) {
    super(`Cannot use Telegram as ${detail}`, options);
  }
}
