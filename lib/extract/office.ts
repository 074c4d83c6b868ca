/** Office files are ZIPs of XML: what they hold, within limits that no honest file reaches. */
import { DocumentRefusedError } from "../library.ts";
import { entriesOf, openEntry, readEntry, type ZipEntry } from "./unzip.ts";

/** Of all files in one office file, together. */
const MAX_INFLATED_BYTES = 200 * 1024 * 1024;

/** Whether `bytes` is a ZIP that holds a file of this name. */
export function holdsFile(bytes: Uint8Array, name: string): boolean {
  return isZip(bytes) && entriesOf(bytes).some((entry) => entry.name === name);
}

/** Whether `bytes` begins as a ZIP does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04;
}

/**
 * Inflates everything and keeps nothing, before a library does it without a limit.
 *
 * @throws {DocumentRefusedError} when it inflates to more than an honest file would
 */
export async function checkZip(bytes: Uint8Array): Promise<void> {
  const budget = { left: MAX_INFLATED_BYTES };
  const entries = entriesOf(bytes);
  const declared = entries.reduce((sum, { size }) => sum + size, 0);
  if (declared > budget.left) {
    throw new DocumentRefusedError("too_large", `it inflates to ${declared} bytes`);
  }
  for (const entry of entries) {
    for await (const _ of openEntry(bytes, entry, budget)) {
      // The budget counts.
    }
  }
}

/** The files of an office file, read as they are asked for, on one budget. */
export interface OfficeFile {
  names: readonly string[];
  /** The text of a file; `undefined` where there is none of this name. */
  read(name: string): Promise<string | undefined>;
}

export function openOffice(bytes: Uint8Array): OfficeFile {
  const budget = { left: MAX_INFLATED_BYTES };
  const entries = new Map<string, ZipEntry>(entriesOf(bytes).map((entry) => [entry.name, entry]));
  return {
    names: [...entries.keys()],
    async read(name) {
      const entry = entries.get(name.replace(/^\//, ""));
      if (entry === undefined) return undefined;
      const text = new TextDecoder().decode(await readEntry(bytes, entry, budget));
      return text.replace(/^\ufeff/, "");
    },
  };
}

/** The path that `target` names, seen from the file `from`. */
export function resolvePath(from: string, target: string): string {
  return decodeURIComponent(new URL(target, `file:///${from}`).pathname).replace(/^\//, "");
}
