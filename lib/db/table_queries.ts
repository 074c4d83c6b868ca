/** Queries about a document's tables and the bytes that are kept of it. */
import type { TransactionSql } from "postgres";
import type { Table, TableInfo } from "../tables.ts";
import type { Owned } from "./document_queries.ts";

/** A statement has to fit into one protocol message. */
const BLOB_PIECE_BYTES = 512 * 1024;

/** A table of one of the user's documents, without its rows. */
export interface StoredTable extends TableInfo {
  documentId: number;
  /** Of the tables of its document. */
  ordinal: number;
}

export const tableQueries = {
  /** The tables of these documents, in their order. */
  async listTables(
    tx: TransactionSql,
    { userId, documentIds }: { userId: number; documentIds: readonly number[] },
  ): Promise<StoredTable[]> {
    const rows = await tx<StoredTable[]>`
      select t.document_id as "documentId", t.ordinal, t.name, t.page, t.columns, t.rows
      from document_tables t join documents d on d.id = t.document_id and d.user_id = ${userId}
      where t.document_id = any(${`{${documentIds.join(",")}}`}::bigint[])
      order by t.document_id, t.ordinal`;
    return [...rows];
  },

  /** The rows of a table, as `Table.data`; `undefined` when it is not the user's. */
  async readTable(
    tx: TransactionSql,
    { ordinal, ...owned }: Owned & { ordinal: number },
  ): Promise<Uint8Array | undefined> {
    return await readBlob(tx, owned, `table:${ordinal}`);
  },

  /** How one of the user's documents can be sent back: by Telegram's id, or its bytes. */
  async readOriginal(
    tx: TransactionSql,
    owned: Owned,
  ): Promise<{ name: string; fileId: string | null; bytes?: Uint8Array } | undefined> {
    const [document] = await tx<{ name: string; fileId: string | null }[]>`
      select name, file_id as "fileId" from documents
      where id = ${owned.documentId} and user_id = ${owned.userId}`;
    if (document === undefined || document.fileId !== null) return document;
    const bytes = await readBlob(tx, owned, "original");
    return { ...document, ...(bytes && { bytes }) };
  },
};

/** Stores a new document's tables with their rows. */
export async function keepTables(
  tx: TransactionSql,
  documentId: number,
  tables: readonly Table[],
): Promise<void> {
  for (const [ordinal, { name, page, columns, rows, data }] of tables.entries()) {
    await tx`
      insert into document_tables (document_id, ordinal, name, page, columns, rows)
      values (${documentId}, ${ordinal}, ${name}, ${page},
        ${tx.json(columns.map((column) => ({ ...column })))}, ${rows})`;
    await keepBlob(tx, documentId, `table:${ordinal}`, data);
  }
}

/** Stores bytes of a new document. */
export async function keepBlob(
  tx: TransactionSql,
  documentId: number,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  for (let n = 0; n * BLOB_PIECE_BYTES < bytes.length; n++) {
    const piece = bytes.subarray(n * BLOB_PIECE_BYTES, (n + 1) * BLOB_PIECE_BYTES);
    await tx`
      insert into blobs (document_id, name, ordinal, data)
      values (${documentId}, ${name}, ${n}, ${piece})`;
  }
}

async function readBlob(
  tx: TransactionSql,
  { userId, documentId }: Owned,
  name: string,
): Promise<Uint8Array | undefined> {
  const pieces = await tx<{ data: Uint8Array }[]>`
    select b.data from blobs b join documents d on d.id = b.document_id and d.user_id = ${userId}
    where b.document_id = ${documentId} and b.name = ${name} order by b.ordinal`;
  if (pieces.length === 0) return undefined;
  const bytes = new Uint8Array(pieces.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of pieces) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}
