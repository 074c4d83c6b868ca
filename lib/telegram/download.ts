/** Fetches a file that a user sent, bounded in size while it comes in. */
import type { Api } from "grammy";
import { FileTooLargeError, type IncomingFile } from "../../plugins/plugin.ts";

/** The file did not come; the user may send it again. */
export class DownloadError extends Error {
  override name = "DownloadError";
  constructor(detail: string, options?: ErrorOptions) {
    super(`Cannot download the file as ${detail}`, options);
  }
}

export interface DownloadOptions {
  api: Api;
  /** Base URL of the Bot API server. */
  root: string;
  token: string;
  maxBytes: number;
}

/**
 * @throws {FileTooLargeError} as soon as the size is known to be above `maxBytes`
 * @throws {DownloadError} when Telegram does not give the file
 */
export async function downloadFile(
  { api, root, token, maxBytes }: DownloadOptions,
  file: IncomingFile,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if ((file.size ?? 0) > maxBytes) throw new FileTooLargeError(maxBytes);
  const { file_path, file_size } = await api.getFile(file.fileId, signal as never);
  if ((file_size ?? 0) > maxBytes) throw new FileTooLargeError(maxBytes);
  if (file_path === undefined) throw new DownloadError("Telegram has it no more");
  // What fetch throws may carry the URL, and with it the token.
  const response = await fetch(`${root}/file/bot${token}/${file_path}`, { signal }).catch(() => {
    signal.throwIfAborted();
    throw new DownloadError("the connection failed");
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DownloadError(`the server answered ${response.status}`);
  }
  return await readWithin(response.body, maxBytes);
}

async function readWithin(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new FileTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
