/**
 * Queries about files that are being read: the message that tells their
 * progress, shared by an album's files, and whether they were cancelled.
 */
import type { TransactionSql } from "postgres";

/** Longer than any file is read. */
const FORGET_AFTER = "1 day";

interface Upload {
  /** Telegram's, of the message with the file. */
  updateId: number;
}

/** Older offers to read a page are forgotten. */
const FORGET_LINKS_AFTER = "30 days";

export const uploadQueries = {
  /** Keeps a link that the user is offered to have read; gives its id. */
  async keepLink(
    tx: TransactionSql,
    { userId, url }: { userId: number; url: string },
  ): Promise<number> {
    await tx`
      delete from links
      where user_id = ${userId} and offered_at < now() - ${FORGET_LINKS_AFTER}::interval`;
    const [link] = await tx<[{ id: number }]>`
      insert into links (user_id, url) values (${userId}, ${url}) returning id`;
    return link.id;
  },

  /** A link that this user was offered to have read. */
  async readLink(
    tx: TransactionSql,
    { userId, linkId }: { userId: number; linkId: number },
  ): Promise<string | undefined> {
    const [link] = await tx<{ url: string }[]>`
      select url from links where id = ${linkId} and user_id = ${userId}`;
    return link?.url;
  },

  /** Begins to read a file, or goes on where a restart has cut it off. */
  async beginUpload(
    tx: TransactionSql,
    { updateId, userId, album = null, caption }: Upload & {
      userId: number;
      album?: string | null;
      caption: string;
    },
  ): Promise<
    { messageId: number | null; lines: string[]; caption: string; documentIds: number[] }
  > {
    await tx`
      insert into uploads (update_id, user_id, album, caption)
      values (${updateId}, ${userId}, ${album}, ${caption})
      on conflict (update_id) do update set began_at = now()`;
    const uploads = await tx<
      { messageId: number | null; lines: string[]; caption: string; documents: string }[]
    >`
      select message_id as "messageId", lines, caption,
        array_to_json(documents)::text as documents
      from uploads
      where user_id = ${userId} and (update_id = ${updateId} or album = ${album})
      order by update_id`;
    return {
      messageId: uploads.find((upload) => upload.messageId !== null)?.messageId ?? null,
      lines: uploads.flatMap(({ lines }) => lines),
      caption: uploads.map((upload) => upload.caption).find((each) => each !== "") ?? "",
      documentIds: uploads.flatMap(({ documents }): number[] => JSON.parse(documents)),
    };
  },

  /** Notes which message tells the progress. */
  async showUpload(
    tx: TransactionSql,
    { updateId, messageId }: Upload & { messageId: number },
  ): Promise<void> {
    await tx`update uploads set message_id = ${messageId} where update_id = ${updateId}`;
  },

  /** Notes what a file of an album came to, while others of it are read. */
  async noteUpload(
    tx: TransactionSql,
    { updateId, lines, documentIds }: Upload & {
      lines: readonly string[];
      documentIds: readonly number[];
    },
  ): Promise<void> {
    await tx`
      update uploads set lines = ${[...lines]}::text[],
        documents = ${`{${documentIds.join(",")}}`}::bigint[]
      where update_id = ${updateId}`;
  },

  /** Asks whoever reads the file to stop; `false` when it is read already or is not this user's. */
  async cancelUpload(
    tx: TransactionSql,
    { updateId, userId }: Upload & { userId: number },
  ): Promise<boolean> {
    const rows = await tx`
      update uploads set cancelled = true
      where update_id = ${updateId} and user_id = ${userId} returning 1`;
    return rows.length > 0;
  },

  /** Whether its sender wants the file no more. */
  async isUploadCancelled(tx: TransactionSql, { updateId }: Upload): Promise<boolean> {
    const rows = await tx`select 1 from uploads where update_id = ${updateId} and cancelled`;
    return rows.length > 0;
  },

  /** Forgets a file or an album that is read or refused, and what was left behind long ago. */
  async endUpload(tx: TransactionSql, { updateId }: Upload): Promise<void> {
    await tx`
      delete from uploads u using uploads this
      where this.update_id = ${updateId}
        and (u.update_id = ${updateId} or u.user_id = this.user_id and u.album = this.album
          or u.began_at < now() - ${FORGET_AFTER}::interval)`;
  },
};
