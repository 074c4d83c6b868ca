/** An answer reaches its reader, and is kept as a turn of the conversation. */
import type { DocumentInfo } from "../../lib/library.ts";
import type { PluginContext } from "../plugin.ts";
import { buttonsUnder } from "./answer_buttons.ts";
import type { Answer } from "./answering.ts";

/** What was answered, and how. */
export interface Delivery {
  documents: readonly DocumentInfo[];
  question: string;
  answer: Answer;
  /** What "try again" brings back; the question itself unless given. */
  again?: string;
}

/** Keeps the turn, counts what it has cost, and sends the answer with its buttons. */
export async function deliver(
  context: PluginContext,
  { documents, question, answer, again }: Delivery,
): Promise<void> {
  // Before the reply: whatever fails after it would have the user answered twice.
  const { turnId } = await context.ask("db.saveTurn", {
    userId: context.user.id,
    chatId: context.chat.id,
    question,
    answer: answer.text,
    cached: answer.source === "cache" ? 1 : 0,
    promptTokens: answer.promptTokens,
    answerTokens: answer.answerTokens,
  });
  const buttons = buttonsUnder(context, documents, answer, {
    turnId,
    again: again ?? `again:${turnId}`,
  });
  await context.reply(answer.text, { buttons });
}
