/** Answers from a document's tables: reads them from the database and asks them in the sandbox. */
import type { Body, Reply } from "../../actors/protocol.ts";
import {
  type FoundRows,
  type RowSearch,
  type TableAnswer,
  type TableQuery,
  TableQueryError,
} from "../tables.ts";
import { askTables } from "./ask_tables.ts";

/** What reading tables needs of the database. */
export interface TableStore {
  listTables(body: Body<"db.listTables">): Promise<Reply<"db.listTables">>;
  readTable(body: Body<"db.readTable">): Promise<Reply<"db.readTable">>;
}

export function tableReader(store: TableStore, signal: AbortSignal) {
  async function read({ userId, documentId }: { userId: number; documentId: number }) {
    const tables = await store.listTables({ userId, documentIds: [documentId] });
    const data: Uint8Array[] = [];
    for (const { ordinal } of tables) {
      const rows = await store.readTable({ userId, documentId, ordinal });
      if (rows === undefined) throw new TableQueryError("Cannot run the query as a table is gone");
      data.push(rows);
    }
    return { tables, data };
  }

  return {
    async query({ sql, rowsSql, ...owned }: TableQuery): Promise<TableAnswer> {
      const { tables, data } = await read(owned);
      const query = { sql, ...(rowsSql !== undefined && { rowsSql }) };
      const reply = await askTables({ tables, query }, data, signal);
      if ("answer" in reply) return reply.answer;
      throw new TableQueryError("Cannot run the query as nothing came back");
    },
    async rows({ question, limit, ...owned }: RowSearch): Promise<readonly FoundRows[]> {
      const { tables, data } = await read(owned);
      const reply = await askTables({ tables, search: { question, limit } }, data, signal);
      return "found" in reply ? reply.found : [];
    },
  };
}
