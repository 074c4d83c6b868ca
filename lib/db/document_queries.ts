/**
 * Queries about documents. Each is bound to the user it is asked for: nobody
 * can name a document of somebody else.
 */
import type { TransactionSql } from "postgres";
import type { DocumentInfo, Extracted, Posting, Unit } from "../library.ts";
import { keepBlob, keepTables } from "./table_queries.ts";

/** Rows in one insert; a statement has to fit into one protocol message. */
const ROWS_AT_ONCE = 5_000;

export interface Owned {
  userId: number;
  documentId: number;
}

export interface IndexedDocument extends DocumentInfo {
  /** Indexed terms of each passage, by ordinal. */
  lengths: number[];
  /** Tokens of each passage, by ordinal. */
  passageTokens: number[];
}

export interface FoundPosting extends Posting {
  documentId: number;
}

/** A passage as it is stored; its tokens and length stand with the document. */
export interface StoredPassage {
  documentId: number;
  ordinal: number;
  page: number;
  heading: string[];
  text: string;
}

export interface DocumentToAdd {
  userId: number;
  sha256: string;
  name: string;
  bytes: number;
  fileId?: string | undefined;
  /** The file itself, where it is to be kept here. */
  original?: Uint8Array | undefined;
  extracted: Extracted;
}

export const documentQueries = {
  /**
   * The user's document with this content, which becomes the active one. One with
   * files in it is read again, as they may have been deleted or never arrived.
   */
  async recogniseDocument(
    tx: TransactionSql,
    { userId, sha256 }: { userId: number; sha256: string },
  ): Promise<DocumentInfo | undefined> {
    const [known] = await tx<DocumentInfo[]>`
      select ${infoColumns(tx)} from documents
      where user_id = ${userId} and sha256 = ${sha256} and files = 0`;
    if (known !== undefined) await activate(tx, { userId, documentId: known.id });
    return known;
  },

  /** How much the user has: documents, and bytes of their originals. */
  async libraryUsage(
    tx: TransactionSql,
    { userId }: { userId: number },
  ): Promise<{ documents: number; bytes: number }> {
    const [row] = await tx<[{ documents: number; bytes: number }]>`
      select count(*)::int as documents, coalesce(sum(bytes), 0)::float8 as bytes
      from documents where user_id = ${userId}`;
    return row;
  },

  /** Stores a document with its passages and index, and makes it the active one. */
  async addDocument(
    tx: TransactionSql,
    { userId, sha256, name, bytes, fileId, original, extracted }: DocumentToAdd,
  ): Promise<DocumentInfo> {
    const { format, unit, pages, tokens, passages, postings, tables, files } = extracted;
    const [document] = await tx<DocumentInfo[]>`
      insert into documents
        (user_id, sha256, name, format, unit, pages, tokens, bytes, file_id, files, lengths,
         passage_tokens)
      values (${userId}, ${sha256}, ${name}, ${format}, ${unit}, ${pages}, ${tokens}, ${bytes},
        ${fileId ?? null}, ${files.length}, ${array(passages.map(({ length }) => length))}::int[],
        ${array(passages.map((passage) => passage.tokens))}::int[])
      on conflict (user_id, sha256) do nothing
      returning ${infoColumns(tx)}`;
    // The same file sent twice at once, or a letter read again for the files in it.
    if (document === undefined) {
      const [known] = await tx<DocumentInfo[]>`
        select ${infoColumns(tx)} from documents where user_id = ${userId} and sha256 = ${sha256}`;
      if (known === undefined) throw new Error("Cannot add the document as it was just deleted");
      await activate(tx, { userId, documentId: known.id });
      return known;
    }
    for (const some of chunksOf(passages)) {
      await tx`
        insert into passages (document_id, ordinal, page, heading, text)
        select ${document.id}, ordinal, page, array(select jsonb_array_elements_text(heading)), text
        from jsonb_to_recordset(${
        tx.json(some.map(({ ordinal, page, heading, text }) => ({
          ordinal,
          page,
          heading: [...heading],
          text,
        })))
      }) as p (ordinal int, page int, heading jsonb, text text)`;
    }
    for (const some of chunksOf(postings)) {
      await tx`
        insert into postings (document_id, term, ordinals, counts)
        select ${document.id}, term, ordinals::int[], counts::int[]
        from unnest(${some.map(({ term }) => term)}::text[],
          ${some.map(({ ordinals }) => array(ordinals))}::text[],
          ${some.map(({ counts }) => array(counts))}::text[]) as p (term, ordinals, counts)`;
    }
    await keepTables(tx, document.id, tables);
    if (original !== undefined) await keepBlob(tx, document.id, "original", original);
    await activate(tx, { userId, documentId: document.id });
    return document;
  },

  /** All documents of the user, the newest first. */
  async listDocuments(
    tx: TransactionSql,
    { userId }: { userId: number },
  ): Promise<(DocumentInfo & { chosen: boolean })[]> {
    const rows = await tx<(DocumentInfo & { chosen: boolean })[]>`
      select ${infoColumns(tx)}, chosen from documents
      where user_id = ${userId} order by id desc`;
    return [...rows];
  },

  /** Makes one of the user's documents the active one; `undefined` when it is not the user's. */
  async chooseDocument(tx: TransactionSql, owned: Owned): Promise<DocumentInfo | undefined> {
    const [document] = await tx<DocumentInfo[]>`
      select ${infoColumns(tx)} from documents
      where id = ${owned.documentId} and user_id = ${owned.userId}`;
    if (document !== undefined) await activate(tx, owned);
    return document;
  },

  /** Deletes one of the user's documents with all that was made of it. */
  async deleteDocument(
    tx: TransactionSql,
    { userId, documentId }: Owned,
  ): Promise<DocumentInfo | undefined> {
    const [document] = await tx<DocumentInfo[]>`
      delete from documents where id = ${documentId} and user_id = ${userId}
      returning ${infoColumns(tx)}`;
    return document;
  },

  /** The documents that the user's questions go to, the newest first. */
  async chosenDocuments(
    tx: TransactionSql,
    { userId }: { userId: number },
  ): Promise<DocumentInfo[]> {
    const rows = await tx<DocumentInfo[]>`
      select ${infoColumns(tx)} from documents
      where user_id = ${userId} and chosen order by id desc`;
    return [...rows];
  },

  /** Has questions go to exactly these of the user's documents, or to all; gives how many. */
  async chooseDocuments(
    tx: TransactionSql,
    { userId, documentIds }: { userId: number; documentIds: readonly number[] | "all" },
  ): Promise<number> {
    const rows = await tx<{ chosen: boolean }[]>`
      update documents set chosen = ${
      documentIds === "all" ? tx`true` : tx`id = any(${array(documentIds)}::bigint[])`
    } where user_id = ${userId} returning chosen`;
    return rows.filter(({ chosen }) => chosen).length;
  },

  /** Has questions go to this document as well, or no longer. */
  async toggleDocument(tx: TransactionSql, { userId, documentId }: Owned): Promise<void> {
    await tx`
      update documents set chosen = not chosen
      where id = ${documentId} and user_id = ${userId}`;
  },

  /** What ranking needs: the documents' passage lengths, and where the terms stand. */
  async findPostings(
    tx: TransactionSql,
    { userId, documentIds, terms }: {
      userId: number;
      documentIds: readonly number[];
      terms: readonly string[];
    },
  ): Promise<{ documents: IndexedDocument[]; postings: FoundPosting[] }> {
    const documents = await tx<IndexedDocument[]>`
      select ${infoColumns(tx)}, lengths, passage_tokens as "passageTokens" from documents
      where id = any(${array(documentIds)}::bigint[]) and user_id = ${userId} order by id`;
    const postings = await tx<FoundPosting[]>`
      select document_id as "documentId", term, ordinals, counts from postings
      where document_id = any(${array(documents.map(({ id }) => id))}::bigint[])
        and term = any(${[...terms]}::text[])`;
    return { documents: [...documents], postings: [...postings] };
  },

  /** What was read of one page of the user's document, passage by passage, word for word. */
  async readPage(
    tx: TransactionSql,
    { userId, documentId, page }: Owned & { page: number },
  ): Promise<{ name: string; unit: Unit; passages: string[] } | undefined> {
    const [found] = await tx<{ name: string; unit: Unit; passages: string[] }[]>`
      select d.name, d.unit, array_agg(p.text order by p.ordinal) as passages
      from documents d join passages p on p.document_id = d.id and p.page = ${page}
      where d.id = ${documentId} and d.user_id = ${userId}
      group by d.id`;
    return found;
  },

  async readPassages(
    tx: TransactionSql,
    { userId, documentIds, ordinals }: {
      userId: number;
      /** Of each wanted passage, the document; parallel to `ordinals`. */
      documentIds: readonly number[];
      ordinals: readonly number[];
    },
  ): Promise<StoredPassage[]> {
    const rows = await tx<StoredPassage[]>`
      select p.document_id as "documentId", p.ordinal, p.page, p.heading, p.text
      from passages p join documents d on d.id = p.document_id and d.user_id = ${userId}
      join unnest(${array(documentIds)}::bigint[], ${array(ordinals)}::int[])
        as wanted (document_id, ordinal)
        on wanted.document_id = p.document_id and wanted.ordinal = p.ordinal
      order by p.document_id, p.ordinal`;
    return [...rows];
  },
};

async function activate(tx: TransactionSql, { userId, documentId }: Owned): Promise<void> {
  await tx`
    update documents set chosen = id = ${documentId}
    where user_id = ${userId} and (chosen or id = ${documentId})`;
}

function infoColumns(tx: TransactionSql) {
  return tx`id, name, format, unit, pages, tokens, bytes, sha256`;
}

/** PostgreSQL's text form of an array of integers, which needs no type lookup. */
function array(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}

function* chunksOf<T>(rows: readonly T[]): Generator<T[]> {
  for (let n = 0; n < rows.length; n += ROWS_AT_ONCE) yield rows.slice(n, n + ROWS_AT_ONCE);
}
