/**
 * How Telegram delivers updates: a secret, a body that is an update, and "200"
 * only once it is stored; any other answer makes Telegram deliver it again.
 */
import type { Handler, MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import { z } from "zod";
import { logger } from "../log.ts";

const MAX_BODY_BYTES = 1024 * 1024;

const log = logger("http");

const Update = z.looseObject({ update_id: z.int() });

/** A Telegram update as far as this file needs to know it. */
export type TelegramUpdate = z.output<typeof Update>;

/** What taking updates needs. */
export interface WebhookPorts {
  /** Resolves once the updates are stored durably. */
  receive(updates: readonly TelegramUpdate[]): Promise<void>;
  /** Absent: no update is taken. */
  webhookSecret?: string;
}

/** The handlers of `POST /telegram`: first the secret, then the update itself. */
export function webhook(
  { receive, webhookSecret }: WebhookPorts,
): [MiddlewareHandler, Handler] {
  return [
    async (c, next) => {
      const given = c.req.header("X-Telegram-Bot-Api-Secret-Token") ?? "";
      const isTelegram = webhookSecret !== undefined &&
        await timingSafeEqual(webhookSecret, given);
      return isTelegram ? await next() : c.json({ error: "unauthorized" }, 401);
    },
    async (c) => {
      const text = await readAtMost(c.req.raw.body, MAX_BODY_BYTES);
      if (text === undefined) return c.json({ error: "update is too large" }, 413);
      const update = Update.safeParse(parseJson(text));
      if (!update.success) return c.json({ error: "body is not an update" }, 400);
      try {
        await receive([update.data]);
      } catch (error) {
        log.warn("Cannot store update {id}: {error}", { id: update.data.update_id, error });
        return c.json({ error: "update is not stored, deliver it again" }, 503);
      }
      return c.json({ ok: true });
    },
  ];
}

/**
 * The text of a body, or nothing when it is longer than `limit` bytes. Unlike
 * Hono's `bodyLimit` it lets go of the rest instead of leaving it open.
 */
async function readAtMost(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  limit: number,
): Promise<string | undefined> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > limit) return undefined;
    parts.push(part);
  }
  return await new Blob(parts).text();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
