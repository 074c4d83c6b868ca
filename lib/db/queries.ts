/**
 * All that is asked of the database: each entry is one unit of work, run in one
 * transaction, and an ask of the DbActor by its name. A new query is one
 * function here and nothing else.
 */
import type { TransactionSql } from "postgres";
import { conversationQueries } from "./conversation_queries.ts";
import { documentQueries } from "./document_queries.ts";
import { embeddingQueries } from "./embedding_queries.ts";
import { tableQueries } from "./table_queries.ts";
import { uploadQueries } from "./upload_queries.ts";
import { userQueries } from "./user_queries.ts";

export const queries = {
  ...userQueries,
  ...documentQueries,
  ...embeddingQueries,
  ...conversationQueries,
  ...tableQueries,
  ...uploadQueries,

  /** Nothing but a round trip. */
  async ping(tx: TransactionSql, _body: Record<never, never>): Promise<void> {
    await tx`select 1`;
  },
};

export type Queries = typeof queries;
