/**
 * ZIP, read from memory: what the central directory tells, and a file's bytes
 * inflated within a budget, since a hostile archive lies about its sizes.
 */
import { DocumentRefusedError } from "../library.ts";

const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_LENGTH = 22;
const END64_LENGTH = 56;
const LOCATOR64_LENGTH = 20;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const UTF8_FLAG = 0x800;
/** Stands where the number itself is in the ZIP64 part. */
const IN_ZIP64 = 0xffffffff;
const ZIP64_FIELD = 1;
/** All that comes of one chunk comes at once, and may be a thousand times as much. */
const PACKED_CHUNK = 4_096;
const STORED_CHUNK = 65_536;

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
  const view = viewOf(bytes);
  const directory = directoryIn(view);
  if (directory === undefined) return [];
  const entries: ZipEntry[] = [];
  let at = directory.offset;
  for (let n = 0; n < directory.count && at + ENTRY_LENGTH <= bytes.length; n++) {
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) break;
    const flags = view.getUint16(at + 8, true);
    const extra = at + ENTRY_LENGTH + view.getUint16(at + 28, true);
    const comment = extra + view.getUint16(at + 30, true);
    const name = bytes.subarray(at + ENTRY_LENGTH, extra);
    entries.push({
      name: nameOf(name, (flags & UTF8_FLAG) !== 0),
      method: view.getUint16(at + 10, true),
      isEncrypted: (flags & ENCRYPTED_FLAG) !== 0,
      ...sizesOf(view, at, extra, Math.min(comment, bytes.length)),
    });
    at = comment + view.getUint16(at + 32, true);
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

function sizesOf(view: DataView, at: number, extra: number, end: number) {
  let field = extra;
  while (field + 4 <= end && view.getUint16(field, true) !== ZIP64_FIELD) {
    field += 4 + view.getUint16(field + 2, true);
  }
  let next = field + 4;
  // Only numbers that did not fit are there, always in this order.
  const [size = 0, compressedSize = 0, offset = 0] = [at + 24, at + 20, at + 42].map((place) => {
    const number = view.getUint32(place, true);
    if (number !== IN_ZIP64 || next + 8 > end) return number;
    next += 8;
    return Number(view.getBigUint64(next - 8, true));
  });
  return { size, compressedSize, offset };
}

function directoryIn(view: DataView): { offset: number; count: number } | undefined {
  const first = Math.max(0, view.byteLength - END_LENGTH - MAX_COMMENT);
  for (let at = view.byteLength - END_LENGTH; at >= first; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    return directory64In(view, at - LOCATOR64_LENGTH) ??
      { offset: view.getUint32(at + 16, true), count: view.getUint16(at + 10, true) };
  }
}

function directory64In(view: DataView, locator: number) {
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64_SIGNATURE) return undefined;
  const end = Number(view.getBigUint64(locator + 8, true));
  if (end + END64_LENGTH > view.byteLength || view.getUint32(end, true) !== END64_SIGNATURE) {
    return undefined;
  }
  const number = (at: number) => Number(view.getBigUint64(end + at, true));
  return { offset: number(48), count: number(32) };
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
    for (const chunk of chunksOf(packed, STORED_CHUNK)) {
      take(budget, chunk.length);
      yield chunk;
    }
    return;
  }
  if (entry.method !== DEFLATED) {
    throw new DocumentRefusedError("damaged", `it is packed by the method ${entry.method}`);
  }
  const inflated = ReadableStream.from(chunksOf(packed, PACKED_CHUNK)).pipeThrough(
    new DecompressionStream("deflate-raw"),
  );
  let length = 0;
  try {
    for await (const chunk of inflated) {
      length += chunk.length;
      take(budget, chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof DocumentRefusedError) throw error;
    throw new DocumentRefusedError("damaged", "a file in it is broken", { cause: error });
  }
  // A stream that is cut off ends without an error.
  if (length < entry.size) throw new DocumentRefusedError("damaged", "a file in it is cut off");
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

function* chunksOf(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

function packedBytes(
  bytes: Uint8Array,
  { offset, compressedSize }: ZipEntry,
): Uint8Array<ArrayBuffer> {
  const view = viewOf(bytes);
  if (offset + LOCAL_LENGTH > bytes.length || view.getUint32(offset, true) !== LOCAL_SIGNATURE) {
    throw new DocumentRefusedError("damaged", "its directory leads to nothing");
  }
  const start = offset + LOCAL_LENGTH + view.getUint16(offset + 26, true) +
    view.getUint16(offset + 28, true);
  if (start + compressedSize > bytes.length) {
    throw new DocumentRefusedError("damaged", "it is cut off");
  }
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, compressedSize);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function take(budget: Budget, bytes: number): void {
  budget.left -= bytes;
  if (budget.left < 0) {
    throw new DocumentRefusedError("too_large", "it inflates to more than can be taken");
  }
}
