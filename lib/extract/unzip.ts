/**
 * ZIP, read from memory: what the central directory tells, and a file's bytes
 * inflated within a budget, since a hostile archive lies about its sizes.
 */
import { DocumentRefusedError } from "../library.ts";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const UTF8_FLAG = 0x800;

export interface ZipEntry {
  name: string;
  compressedSize: number;
  /** Bytes once inflated, as declared. */
  size: number;
  isEncrypted: boolean;
  method: number;
  /** Where its local header stands. */
  offset: number;
}

/** How many bytes may still be inflated. */
export interface Budget {
  left: number;
}

/** The files of a ZIP; none when it is not one, or is cut off. */
export function entriesOf(bytes: Uint8Array): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  if (end === undefined) return [];
  const entries: ZipEntry[] = [];
  let at = view.getUint32(end + 16, true);
  const count = view.getUint16(end + 10, true);
  for (let n = 0; n < count && at + ENTRY_LENGTH <= bytes.length; n++) {
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) break;
    const flags = view.getUint16(at + 8, true);
    const nameLength = view.getUint16(at + 28, true);
    const name = bytes.subarray(at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength);
    entries.push({
      name: nameOf(name, (flags & UTF8_FLAG) !== 0),
      method: view.getUint16(at + 10, true),
      compressedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      isEncrypted: (flags & ENCRYPTED_FLAG) !== 0,
      offset: view.getUint32(at + 42, true),
    });
    at += ENTRY_LENGTH + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** Archives made by old programs in Russia have names in the code page of DOS. */
function nameOf(bytes: Uint8Array, isUtf8: boolean): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder(isUtf8 ? "utf-8" : "ibm866").decode(bytes);
  }
}

function endOf(view: DataView): number | undefined {
  const first = Math.max(0, view.byteLength - END_LENGTH - MAX_COMMENT);
  for (let at = view.byteLength - END_LENGTH; at >= first; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
}

/**
 * A file's bytes as they are inflated; each takes from `budget`.
 *
 * @throws {DocumentRefusedError} within the stream, for what is damaged, encrypted or too large
 */
export async function* openEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  budget: Budget,
): AsyncGenerator<Uint8Array, void> {
  if (entry.isEncrypted) throw new DocumentRefusedError("encrypted", "it needs a password");
  const packed = packedBytes(bytes, entry);
  if (entry.method === STORED) {
    take(budget, packed.length);
    yield packed;
    return;
  }
  if (entry.method !== DEFLATED) {
    throw new DocumentRefusedError("damaged", `it is packed by the method ${entry.method}`);
  }
  const inflated = ReadableStream.from([packed]).pipeThrough(
    new DecompressionStream("deflate-raw"),
  );
  try {
    for await (const chunk of inflated) {
      take(budget, chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof DocumentRefusedError) throw error;
    throw new DocumentRefusedError("damaged", "a file in it is broken", { cause: error });
  }
}

/** A file's bytes, whole. */
export async function readEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  budget: Budget,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Response(ReadableStream.from(openEntry(bytes, entry, budget))).arrayBuffer(),
  );
}

function packedBytes(
  bytes: Uint8Array,
  { offset, compressedSize }: ZipEntry,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + LOCAL_LENGTH > bytes.length || view.getUint32(offset, true) !== LOCAL_SIGNATURE) {
    throw new DocumentRefusedError("damaged", "its directory leads to nothing");
  }
  const start = offset + LOCAL_LENGTH + view.getUint16(offset + 26, true) +
    view.getUint16(offset + 28, true);
  if (start + compressedSize > bytes.length) {
    throw new DocumentRefusedError("damaged", "it is cut off");
  }
  return bytes.slice(start, start + compressedSize);
}

function take(budget: Budget, bytes: number): void {
  budget.left -= bytes;
  if (budget.left < 0) {
    throw new DocumentRefusedError("too_large", "it inflates to more than can be taken");
  }
}
