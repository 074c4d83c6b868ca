/**
 * What the queue makes of an update: its id, by which it is known again, the key
 * that its order is kept by, and a form that PostgreSQL can keep. Pure.
 */
import type { IncomingUpdate } from "../../actors/protocol.ts";

/** The update without what JSON can say but PostgreSQL cannot keep: it would hold up all that came with it. */
export function storable(update: IncomingUpdate): IncomingUpdate {
  const text = JSON.stringify(update);
  if (!/\\u(0000|d[89a-f])/i.test(text)) return update;
  const clean = (_key: string, value: unknown) =>
    typeof value === "string" ? value.replaceAll("\0", "\ufffd").toWellFormed() : value;
  return JSON.parse(text, clean);
}

/** A UUID that a repeated delivery has as well, and that sorts as updates do. */
export function jobId(botId: number, updateId: number): string {
  const bot = botId.toString(16).padStart(12, "0");
  const update = updateId.toString(16).padStart(12, "0");
  return `${bot.slice(0, 8)}-${bot.slice(8)}-4000-8000-${update}`;
}

/**
 * What keeps its order: the chat, or the user where an update has none. A press
 * of "cancel" or "stop" stands alone, as it must not wait behind what it is to end.
 */
export function chatKey(update: IncomingUpdate): string {
  if (isUrgent(update)) return `urgent:${update.update_id}`;
  for (const part of Object.values(update)) {
    const id = chatIdIn(part);
    if (id !== undefined) return String(id);
  }
  return "none";
}

function isUrgent({ callback_query: press, stopped_message_generation }: IncomingUpdate): boolean {
  if (stopped_message_generation !== undefined) return true;
  return typeof press === "object" && press !== null && "data" in press &&
    typeof press.data === "string" && press.data.startsWith("cancel:");
}

function chatIdIn(part: unknown): number | undefined {
  if (typeof part !== "object" || part === null) return undefined;
  const { chat, message, from } = part as Record<string, unknown>;
  return idOf(chat) ?? chatIdIn(message) ?? idOf(from);
}

function idOf(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  return typeof value.id === "number" ? value.id : undefined;
}
