/** Queries about conversations: what was asked and answered, until the user clears it. */
import type { TransactionSql } from "postgres";
import type { Turn } from "../ai/provider.ts";
import { type UsageDelta, userQueries } from "./user_queries.ts";

export interface Conversation {
  userId: number;
  chatId: number;
}

export const conversationQueries = {
  /** Adds a turn to the conversation, and to what the user has used today. */
  async saveTurn(
    tx: TransactionSql,
    { userId, chatId, question, answer, cached, promptTokens, answerTokens }:
      & Conversation
      & Turn
      & Pick<UsageDelta, "cached" | "promptTokens" | "answerTokens">,
  ): Promise<{ turnId: number }> {
    const [turn] = await tx<[{ turnId: number }]>`
      insert into turns (user_id, chat_id, question, answer)
      values (${userId}, ${chatId}, ${question}, ${answer}) returning id as "turnId"`;
    const usage = { questions: 1, cached, promptTokens, answerTokens };
    await userQueries.countUsage(tx, { userId, ...usage });
    return turn;
  },

  /** One turn of this user; `undefined` when it was forgotten, or is of somebody else. */
  async readTurn(
    tx: TransactionSql,
    { userId, turnId }: { userId: number; turnId: number },
  ): Promise<Turn | undefined> {
    const [turn] = await tx<Turn[]>`
      select question, answer from turns where id = ${turnId} and user_id = ${userId}`;
    return turn;
  },

  /** The last `limit` turns, oldest first. */
  async readConversation(
    tx: TransactionSql,
    { userId, chatId, limit }: Conversation & { limit: number },
  ): Promise<Turn[]> {
    const rows = await tx<Turn[]>`
      select question, answer from turns
      where user_id = ${userId} and chat_id = ${chatId}
      order by id desc limit ${limit}`;
    return [...rows].reverse();
  },

  /** @returns how many turns were forgotten */
  async clearConversation(tx: TransactionSql, { userId, chatId }: Conversation): Promise<number> {
    const { count } = await tx`
      delete from turns where user_id = ${userId} and chat_id = ${chatId}`;
    return count;
  },
};
