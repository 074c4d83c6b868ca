/** Queries about users: who they are, how they are spoken to, what they have used. */
import type { TransactionSql } from "postgres";
import type { Language } from "../texts/texts.ts";

export interface UsageDelta {
  questions?: number | undefined;
  cached?: number | undefined;
  documents?: number | undefined;
  promptTokens?: number | undefined;
  answerTokens?: number | undefined;
}

/** Somebody who writes, as Telegram tells of them. */
export interface Visitor {
  userId: number;
  name: string;
  /** To be spoken to in, until they choose. */
  language: Language;
}

/** What a user may use; 0 means no limit. */
export interface Quotas {
  perMinute: number;
  perDay: number;
  /** Prompt and answer together. */
  tokensPerDay: number;
}

export interface Stats {
  documents: number;
  pages: number;
  questions: number;
  cached: number;
  questionsToday: number;
  since: Date;
}

export const userQueries = {
  /**
   * Notes that users were here, to the minute: what is known already is not
   * written, as only a write waits for the disk. Gives the language of each,
   * which for a first-time user is the given one.
   */
  async touchUsers(
    tx: TransactionSql,
    { users }: { users: readonly Visitor[] },
  ): Promise<Language[]> {
    // One row a user, and in one order everywhere, so that replicas do not wait for each other.
    const each = [...new Map(users.map((user) => [user.userId, user])).values()]
      .sort((a, b) => a.userId - b.userId);
    const rows = await tx<{ id: number; language: Language }[]>`
      with given as (
        select * from unnest(
          ${each.map(({ userId }) => userId)}::bigint[],
          ${each.map(({ name }) => name)}::text[],
          ${each.map(({ language }) => language)}::text[]
        ) as given (id, name, language)
      ), known as (
        select id, users.language from given join users using (id, name)
        where seen_at > now() - interval '1 minute'
      ), noted as (
        insert into users (id, name, language)
        select * from given where id not in (select id from known)
        on conflict (id) do update set name = excluded.name, seen_at = now()
        returning id, language
      )
      select * from known union all select * from noted`;
    const languages = new Map(rows.map(({ id, language }) => [id, language]));
    return users.map(({ userId, language }) => languages.get(userId) ?? language);
  },

  /** What a user has chosen to be spoken to in; `undefined` for one who was never here. */
  async readLanguage(
    tx: TransactionSql,
    { userId }: { userId: number },
  ): Promise<Language | undefined> {
    const [row] = await tx<{ language: Language }[]>`
      select language from users where id = ${userId}`;
    return row?.language;
  },

  async setLanguage(
    tx: TransactionSql,
    { userId, language }: { userId: number; language: Language },
  ): Promise<void> {
    await tx`update users set language = ${language} where id = ${userId}`;
  },

  /** Adds to what the user has used today. */
  async countUsage(
    tx: TransactionSql,
    { userId, ...delta }: { userId: number } & UsageDelta,
  ): Promise<void> {
    const { questions = 0, cached = 0, documents = 0, promptTokens = 0, answerTokens = 0 } = delta;
    await tx`
      insert into usage as u (user_id, questions, cached, documents, prompt_tokens, answer_tokens)
      values (${userId}, ${questions}, ${cached}, ${documents}, ${promptTokens}, ${answerTokens})
      on conflict (user_id, day) do update set
        questions = u.questions + excluded.questions,
        cached = u.cached + excluded.cached,
        documents = u.documents + excluded.documents,
        prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
        answer_tokens = u.answer_tokens + excluded.answer_tokens`;
  },

  /**
   * Takes a question out of the user's quotas, for all replicas alike; 0 means
   * no limit. Gives the quota that is used up, if one is: then nothing is taken.
   */
  async takeQuestion(
    tx: TransactionSql,
    { userId, perMinute, perDay, tokensPerDay }: { userId: number } & Quotas,
  ): Promise<"minute" | "day" | "tokens" | undefined> {
    const [used] = await tx<[{ minute: number; day: number; tokens: number }]>`
      select
        case when minute_began > now() - interval '1 minute' then minute_questions else 0 end
          as minute,
        coalesce((select questions from usage where user_id = id and day = current_date), 0) as day,
        coalesce((select prompt_tokens + answer_tokens from usage
          where user_id = id and day = current_date), 0)::float8 as tokens
      from users where id = ${userId} for update`;
    if (perDay > 0 && used.day >= perDay) return "day";
    if (tokensPerDay > 0 && used.tokens >= tokensPerDay) return "tokens";
    if (perMinute > 0 && used.minute >= perMinute) return "minute";
    await tx`
      update users set
        minute_questions = ${used.minute + 1},
        minute_began = case when ${used.minute} = 0 then now() else minute_began end
      where id = ${userId}`;
  },

  async readStats(tx: TransactionSql, { userId }: { userId: number }): Promise<Stats> {
    const [row] = await tx<[Stats]>`
      select
        (select count(*)::int from documents where user_id = ${userId}) as documents,
        (select coalesce(sum(pages), 0)::int from documents where user_id = ${userId}) as pages,
        coalesce(sum(questions), 0)::int as questions,
        coalesce(sum(cached), 0)::int as cached,
        coalesce(sum(questions) filter (where day = current_date), 0)::int as "questionsToday",
        (select created_at from users where id = ${userId}) as since
      from usage where user_id = ${userId}`;
    return row;
  },
};
