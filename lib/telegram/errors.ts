/** Telegram's failures that the BotActor tells apart. */

/** Telegram refuses us for good, so trying again cannot help. */
export class TelegramRefusedError extends Error {
  override name = "TelegramRefusedError";
  constructor(detail: string, options?: ErrorOptions) {
    super(`Cannot use Telegram as ${detail}`, options);
  }
}

/** Somebody else takes this bot's updates: another program that polls, or a webhook. */
export class TelegramConflictError extends Error {
  override name = "TelegramConflictError";
  constructor(options?: ErrorOptions) {
    super(
      "Cannot poll as another program polls with this BOT_TOKEN, or has set a webhook for it. " +
        "Stop that program, or give this one a token of its own",
      options,
    );
  }
}
