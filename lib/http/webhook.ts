/**
 * How Telegram delivers updates: a secret, a body that is an update, and "200"
 * only once it is stored; any other answer makes Telegram deliver it again.
 */
import type { Handler, MiddlewareHandler } from "hono";
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { OverloadedError } from "../ask.ts";
import { logger } from "../log.ts";

const MAX_BODY_BYTES = 1024 * 1024;
const RETRY_AFTER_S = 1;

const log = logger("http");
const encoder = new TextEncoder();

const Update = z.looseObject({ update_id: z.int() });

/** A Telegram update as far as this file needs to know it. */
export type TelegramUpdate = z.output<typeof Update>;

/** What taking updates needs. */
export interface WebhookPorts {
  /** Resolves once the update is stored durably. */
  receive(update: TelegramUpdate): Promise<void>;
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
      const isTelegram = webhookSecret !== undefined && isSame(given, webhookSecret);
      return isTelegram ? await next() : c.json({ error: "unauthorized" }, 401);
    },
    async (c) => {
      const text = await readAtMost(c.req.raw, MAX_BODY_BYTES);
      if (text === undefined) return c.json({ error: "update is too large" }, 413);
      const update = Update.safeParse(parseJson(text));
      if (!update.success) return c.json({ error: "body is not an update" }, 400);
      try {
        await receive(update.data);
      } catch (error) {
        // What is too much is told to Telegram alone: a line for each would be too much as well.
        if (!(error instanceof OverloadedError)) {
          log.warn("Cannot store update {id}: {error}", { id: update.data.update_id, error });
        }
        c.header("Retry-After", String(RETRY_AFTER_S));
        return c.json({ error: "update is not stored, deliver it again" }, 503);
      }
      return c.json({ ok: true });
    },
  ];
}

/** Takes as long for a wrong secret as for a right one of the same length. */
function isSame(given: string, secret: string): boolean {
  const [a, b] = [encoder.encode(given), encoder.encode(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * The text of a body, or nothing when it is longer than `limit` bytes. Unlike
 * Hono's `bodyLimit` it lets go of the rest instead of leaving it open.
 */
async function readAtMost(request: Request, limit: number): Promise<string | undefined> {
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) <= limit) return await request.text();
    await request.body?.cancel();
    return undefined;
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
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
