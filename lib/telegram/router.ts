/**
 * From a Telegram update to the plugin that claims it: a command, a button, a
 * file, a recording, or a text. One list of plugins, asked in its order.
 */
import { Context } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import type { IncomingUpdate } from "../../actors/protocol.ts";
import type { Plugin, PluginContext } from "../../plugins/plugin.ts";
import { logger } from "../log.ts";
import { ChatGoneError } from "./chat_target.ts";
import { type ContextPorts, createContext, type HandlerContext } from "./context.ts";
import { fileIn, isAddressed, recordingIn, textForBot } from "./incoming.ts";
import { isTelegramAway } from "./patience.ts";
import type { SendOnce } from "./sent_messages.ts";
import { createStops } from "./stops.ts";

const HANDLER_MS = 10 * 60_000;

export interface RouterOptions {
  plugins: readonly Plugin[];
  ports: ContextPorts;
  /** Who we are, for mentions and commands that name a bot. */
  botInfo: UserFromGetMe;
  /** The users who may use the bot; everybody if not given. */
  allowedIds?: ReadonlySet<number> | undefined;
  /** A handler that works longer than this is stopped, and its user told. @default 600_000 */
  handlerMs?: number;
}

type Handle = (update: IncomingUpdate, once: SendOnce, signal: AbortSignal) => Promise<void>;

/** What a message is, as the `type` of the metric `messages.handled`. */
type Kind = "command" | "button" | "document" | "audio" | "text" | "other";
type Task = (context: HandlerContext) => Promise<void>;

/**
 * Builds the handler of updates. What fails in a plugin is logged, counted and
 * told to the user; the handler itself fails only when the update should be
 * handled again: the bot is being stopped, or the database or Telegram is away.
 */
export function createRouter(
  { plugins, ports, botInfo, allowedIds, handlerMs = HANDLER_MS }: RouterOptions,
): Handle {
  const log = logger("router");
  const stops = createStops(ports);
  const commands = byName(plugins.flatMap((plugin) => plugin.commands ?? []));
  const buttons = byName(plugins.flatMap((plugin) => plugin.buttons ?? []));
  const texts = plugins.flatMap((plugin) => plugin.texts ?? []);
  const documents = plugins.find((plugin) => plugin.documents)?.documents;
  const audio = plugins.find((plugin) => plugin.audio)?.audio;
  const errors = plugins.find((plugin) => plugin.errors)?.errors;

  async function handleText(context: PluginContext, text: string): Promise<void> {
    const handler = texts.find(({ claims }) => claims(text));
    if (handler === undefined) await context.reply(context.t("unknown-message"));
    else await handler.run(context, text);
  }

  function route(update: Context): [Kind, Task] {
    const data = update.callbackQuery?.data;
    if (data !== undefined) return ["button", (context) => press(context, data)];
    const caption = update.msg?.caption ?? "";
    const recording = recordingIn(update);
    if (recording !== undefined && audio !== undefined) {
      return ["audio", (context) => audio.run(context, recording, caption)];
    }
    const file = fileIn(update);
    if (file !== undefined && documents !== undefined) {
      return ["document", (context) => documents.run(context, file, caption)];
    }
    const text = textForBot(update, botInfo);
    if (text === undefined) return ["other", ({ reply, t }) => reply(t("unknown-message")).then()];
    const [, name, argument = ""] = /^\/(\w+)(?:@\w+)?\s*(.*)$/s.exec(text) ?? [];
    if (name === undefined) return ["text", (context) => handleText(context, text)];
    return ["command", async (context) => {
      const command = commands.get(name.toLowerCase());
      if (command === undefined) await context.reply(context.t("unknown-command"));
      else await command.run(context, argument.trim());
    }];
  }

  async function press(context: HandlerContext, data: string): Promise<void> {
    const [, name = "", argument = ""] = /^([^:]*):?(.*)$/s.exec(data) ?? [];
    if (context.pressed === undefined) return;
    await buttons.get(name)?.run(context, argument, context.pressed);
  }

  async function fail(context: HandlerContext, kind: Kind, error: unknown): Promise<void> {
    const type = error instanceof Error ? error.name : typeof error;
    ports.tell("metrics.count", { name: "errors", tags: { type, handler: kind } });
    log.error("Cannot handle {kind} in chat {chat}: {error}", {
      kind,
      chat: context.chat.id,
      error,
    });
    await errors?.run(context, error);
  }

  return async (raw, once, signal) => {
    const update = new Context(raw as unknown as Update, ports.api, botInfo);
    const stop = update.update.stopped_message_generation;
    if (stop !== undefined) return await stops.stop(stop.chat.id, stop.draft_id, signal);
    if (!isAddressed(update, botInfo)) return;
    using limit = timeLimit(handlerMs);
    const sending = { once, signal: AbortSignal.any([signal, limit.signal]) };
    using answer = stops.begin(update.chat?.id ?? 0, update.update.update_id);
    await using context = await createContext(ports, update, sending, answer, handleText);
    if (context === undefined) return;
    const [kind, task] = route(update);
    try {
      if (allowedIds?.has(context.user.id) === false) {
        await context.reply(context.t("not-allowed", { id: context.user.id }));
        return;
      }
      await limit.race(task(context));
      ports.tell("metrics.count", { name: "messages.handled", tags: { type: kind } });
    } catch (error) {
      // Nobody is there any more to be told.
      if (error instanceof ChatGoneError) return;
      if (signal.aborted || isPassing(error)) throw error;
      // A handler's time is over, but not that of the word about it.
      sending.signal = signal;
      await fail(context, kind, error);
    } finally {
      if (update.callbackQuery !== undefined) await stopSpinner(update, signal);
    }
  };

  async function stopSpinner(update: Context, signal: AbortSignal): Promise<void> {
    // A press that is answered too late shows nothing worse than a spinner.
    await update.answerCallbackQuery(undefined, signal as never).catch((error) =>
      log.debug("Cannot answer a button press: {error}", { error })
    );
  }
}

function byName<T extends { name: string }>(entries: readonly T[]): Map<string, T> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

interface TimeLimit extends Disposable {
  signal: AbortSignal;
  /** What `work` comes to, or the error of the limit if it takes no notice of the signal. */
  race(work: Promise<void>): Promise<void>;
}

/** Aborts after `ms`; unlike `AbortSignal.timeout` it keeps no timer once it is disposed. */
function timeLimit(ms: number): TimeLimit {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<void>();
  // Work that is in time has no use for it.
  promise.catch(() => {});
  const late = () => {
    const error = new DOMException("The handler took too long", "TimeoutError");
    controller.abort(error);
    reject(error);
  };
  const timer = setTimeout(late, ms);
  return {
    signal: controller.signal,
    race: (work) => Promise.race([work, promise]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** What passes by itself, so that the update is to be handled again later. */
function isPassing(error: unknown): boolean {
  return isTelegramAway(error) || error instanceof Error &&
      ["DatabaseUnavailableError", "ActorUnavailableError", "HttpError", "ClaimLostError"].includes(
        error.name,
      );
}
