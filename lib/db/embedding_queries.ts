/**
 * Queries about the vectors of passages: which are still to be made, and which
 * are nearest to a question's. Where the server has pgvector it compares them;
 * elsewhere they are bytes and compared here, with the same result.
 */
import type { TransactionSql } from "postgres";
import { cosine, fromBase64, toBase64 } from "../retrieval/vectors.ts";

/** After a failure a document waits a minute, then two, and at most so long. */
const MAX_PAUSE_MINUTES = 10;

/** A passage without a vector. */
export interface PassageToEmbed {
  documentId: number;
  ordinal: number;
  heading: string[];
  text: string;
}

/** A passage by how near its meaning is to a question's: 1 for the same. */
export interface NearPassage {
  documentId: number;
  ordinal: number;
  score: number;
}

interface Claim {
  /** Of the document that has waited longest. */
  userId: number;
  /** Of one or several documents; none where identical documents had all the vectors. */
  passages: PassageToEmbed[];
}

export const embeddingQueries = {
  /**
   * Takes passages that have no vector of `model`, the next ones of the documents
   * that have waited longest, and keeps their documents from others for `claimMs`.
   * `undefined` when nothing is left to do now.
   */
  async claimPassages(
    tx: TransactionSql,
    { model, limit, claimMs }: { model: string; limit: number; claimMs: number },
  ): Promise<Claim | undefined> {
    const waiting = await tx<{ id: number; userId: number; failures: number }[]>`
      select id, user_id as "userId", embed_failures as failures from documents d
      where (${lacks(tx, model)}) and embed_after <= now() and not exists (
        -- Of the same content one is enough: the others copy.
        select 1 from (select * from documents where sha256 = d.sha256 and id < d.id) as twin
        where ${lacks(tx, model)})
      order by embed_after, id limit ${limit} for update skip locked`;
    const [first] = waiting;
    if (first === undefined) return undefined;
    // One that has failed is tried alone, so that it fails for itself alone.
    const taken = first.failures > 0 ? [first] : waiting.filter(({ failures }) => failures === 0);
    const ids = array(taken.map(({ id }) => id));
    await finish(tx, model, await copyFromIdentical(tx, model, ids));
    const passages = await tx<PassageToEmbed[]>`
      select p.document_id as "documentId", p.ordinal, p.heading, p.text
      from unnest(${ids}::bigint[]) as d (id) cross join lateral (
        select * from passages p
        where p.document_id = d.id and ${lacksVector(tx, model)} order by p.ordinal limit ${limit}
      ) as p limit ${limit}`;
    if (passages.length === 0) await finish(tx, model, ids);
    await tx`
      update documents set embed_after = now() + ${claimMs} * interval '1 ms'
      where id = any(${array(passages.map(({ documentId }) => documentId))}::bigint[])`;
    return { userId: first.userId, passages: [...passages] };
  },

  /** Keeps vectors, parallel to `passages`, and gives their documents back; of deleted ones nothing. */
  async keepVectors(
    tx: TransactionSql,
    { model, passages, vectors }: {
      model: string;
      passages: readonly { documentId: number; ordinal: number }[];
      vectors: readonly Int8Array[];
    },
  ): Promise<void> {
    const documentIds = array(passages.map(({ documentId }) => documentId));
    await tx`
      update documents set embed_after = now(), embed_failures = 0
      where id = any(${documentIds}::bigint[])`;
    const isHalfvec = await comparesVectors(tx);
    const texts = vectors.map(isHalfvec ? asLiteral : toBase64);
    await tx`
      insert into embeddings (document_id, ordinal, model, vector)
      select p.document_id, p.ordinal, ${model}, ${
      isHalfvec ? tx`new.vector::halfvec` : tx`decode(new.vector, 'base64')`
    }
      from unnest(${documentIds}::bigint[], ${array(passages.map(({ ordinal }) => ordinal))}::int[],
        ${texts}::text[]) as new (document_id, ordinal, vector)
      join passages p on p.document_id = new.document_id and p.ordinal = new.ordinal
      on conflict (document_id, ordinal) do update
        set model = excluded.model, vector = excluded.vector`;
    await finish(tx, model, documentIds);
  },

  /** Gives claimed documents back without vectors: at once, or after a pause when they failed. */
  async releasePassages(
    tx: TransactionSql,
    { documentIds, failed }: { documentIds: readonly number[]; failed: boolean },
  ): Promise<void> {
    await tx`
      update documents set
        embed_after = ${
      failed
        ? tx`now() + least(2 ^ embed_failures, ${MAX_PAUSE_MINUTES}) * interval '1 minute'`
        : tx`now()`
    },
        embed_failures = embed_failures + ${failed ? 1 : 0}
      where id = any(${array(documentIds)}::bigint[])`;
  },

  /** How many documents wait for vectors of `model`. */
  async countUnembedded(tx: TransactionSql, { model }: { model: string }): Promise<number> {
    const [row] = await tx<[{ count: number }]>`
      select count(*)::int as count from documents where ${lacks(tx, model)}`;
    return row.count;
  },

  /** Those of the user's documents that have all their vectors. */
  async embeddedDocuments(
    tx: TransactionSql,
    { userId, documentIds, model }: {
      userId: number;
      documentIds: readonly number[];
      model: string;
    },
  ): Promise<number[]> {
    const rows = await tx<{ id: number }[]>`
      select id from documents
      where id = any(${array(documentIds)}::bigint[]) and user_id = ${userId}
        and embedded_by = ${model}`;
    return rows.map(({ id }) => id);
  },

  /** The passages of the user's documents that are nearest to `vector`, the nearest first. */
  async nearestPassages(
    tx: TransactionSql,
    { userId, documentIds, model, vector, limit }: {
      userId: number;
      documentIds: readonly number[];
      model: string;
      vector: Int8Array;
      limit: number;
    },
  ): Promise<NearPassage[]> {
    const from = tx`
      from documents d join embeddings e on e.document_id = d.id and e.model = ${model}
      where d.id = any(${array(documentIds)}::bigint[]) and d.user_id = ${userId}`;
    if (await comparesVectors(tx)) {
      const rows = await tx<NearPassage[]>`
        select e.document_id as "documentId", e.ordinal,
          1 - (e.vector <=> ${asLiteral(vector)}::halfvec) as score
        ${from} and vector_dims(e.vector) = ${vector.length}
        order by score desc, e.document_id, e.ordinal limit ${limit}`;
      return [...rows];
    }
    // Both aggregates see the rows in one order, whichever that is; sorting would cost the most.
    const rows = await tx<{ documentId: number; ordinals: number[]; vectors: string }[]>`
      select e.document_id as "documentId", array_agg(e.ordinal) as ordinals,
        encode(string_agg(e.vector, ''), 'base64') as vectors
      ${from} and octet_length(e.vector) = ${vector.length}
      group by e.document_id`;
    return rows.flatMap(({ documentId, ordinals, vectors }) => {
      const all = fromBase64(vectors);
      return ordinals.map((ordinal, n): NearPassage => {
        const each = all.subarray(n * vector.length, (n + 1) * vector.length);
        return { documentId, ordinal, score: cosine(vector, each) };
      });
    }).sort((a, b) => b.score - a.score || a.documentId - b.documentId || a.ordinal - b.ordinal)
      .slice(0, limit);
  },
};

/** Whether vectors are kept as pgvector's, and not as bytes: that was chosen with the table. */
async function comparesVectors(tx: TransactionSql): Promise<boolean> {
  const [row] = await tx<{ type: string }[]>`
    select format_type(atttypid, null) as type from pg_attribute
    where attrelid = 'embeddings'::regclass and attname = 'vector'`;
  return row?.type === "halfvec";
}

/**
 * The vectors of a document with the same content, whoever sent it, are good for this one too.
 * Gives those that have got some.
 */
async function copyFromIdentical(
  tx: TransactionSql,
  model: string,
  ids: string,
): Promise<string> {
  const copied = await tx<{ documentId: number }[]>`
    insert into embeddings (document_id, ordinal, model, vector)
    select distinct on (p.document_id, p.ordinal) p.document_id, p.ordinal, e.model, e.vector
    from documents d
    join documents same on same.sha256 = d.sha256 and same.id <> d.id
      and same.embedded_by = ${model}
    join passages p on p.document_id = d.id
    join passages q on q.document_id = same.id and q.ordinal = p.ordinal
      and q.text = p.text and q.heading = p.heading
    join embeddings e on e.document_id = q.document_id and e.ordinal = q.ordinal
      and e.model = ${model}
    where d.id = any(${ids}::bigint[]) and ${lacksVector(tx, model)}
    on conflict (document_id, ordinal) do update
      set model = excluded.model, vector = excluded.vector
    returning document_id as "documentId"`;
  return array([...new Set(copied.map(({ documentId }) => documentId))]);
}

/** Notes which of the documents have all their vectors now. */
async function finish(tx: TransactionSql, model: string, ids: string): Promise<void> {
  await tx`
    update documents d set embedded_by = ${model}
    where d.id = any(${ids}::bigint[]) and not exists (
      select 1 from passages p where p.document_id = d.id and ${lacksVector(tx, model)})`;
}

/** Of a passage `p`. */
function lacksVector(tx: TransactionSql, model: string) {
  return tx`not exists (
    select 1 from embeddings e
    where e.document_id = p.document_id and e.ordinal = p.ordinal and e.model = ${model})`;
}

/** Of a document; written so that an index finds them. */
function lacks(tx: TransactionSql, model: string) {
  return tx`embedded_by is null or embedded_by < ${model} or embedded_by > ${model}`;
}

/** pgvector's text form. */
function asLiteral(vector: Int8Array): string {
  return `[${vector.join(",")}]`;
}

/** PostgreSQL's text form of an array of integers, which needs no type lookup. */
function array(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}
