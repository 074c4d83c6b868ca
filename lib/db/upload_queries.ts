/** Queries about files that are being read: their progress message, and whether they were cancelled. */
import type { TransactionSql } from "postgres";

/** Longer than any file is read. */
const FORGET_AFTER = "1 day";

export const uploadQueries = {
  /** Begins to read a file, or goes on where a restart has cut it off. */
  async beginUpload(
    tx: TransactionSql,
    { updateId, userId }: { updateId: number; userId: number },
  ): Promise<{ messageId: number | null }> {
    const [upload] = await tx<[{ messageId: number | null }]>`
      insert into uploads (update_id, user_id) values (${updateId}, ${userId})
      on conflict (update_id) do update set began_at = now()
      returning message_id as "messageId"`;
    return upload;
  },

  /** Notes which message tells the progress. */
  async showUpload(
    tx: TransactionSql,
    { updateId, messageId }: { updateId: number; messageId: number },
  ): Promise<void> {
    await tx`update uploads set message_id = ${messageId} where update_id = ${updateId}`;
  },

  /** Asks whoever reads the file to stop; `false` when it is read already or is not this user's. */
  async cancelUpload(
    tx: TransactionSql,
    { updateId, userId }: { updateId: number; userId: number },
  ): Promise<boolean> {
    const rows = await tx`
      update uploads set cancelled = true
      where update_id = ${updateId} and user_id = ${userId} returning 1`;
    return rows.length > 0;
  },

  /** Whether its sender wants the file no more. */
  async isUploadCancelled(
    tx: TransactionSql,
    { updateId }: { updateId: number },
  ): Promise<boolean> {
    const rows = await tx`
      select 1 from uploads where update_id = ${updateId} and cancelled`;
    return rows.length > 0;
  },

  /** Forgets a file that is read or refused, and what was left behind long ago. */
  async endUpload(tx: TransactionSql, { updateId }: { updateId: number }): Promise<void> {
    await tx`
      delete from uploads
      where update_id = ${updateId} or began_at < now() - ${FORGET_AFTER}::interval`;
  },
};
