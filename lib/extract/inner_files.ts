/** Files within files: how many, how large and how deep, and under which names. */
import { DocumentRefusedError, type InnerFile } from "../library.ts";

/** A letter with an archive in it is opened; what the archive's archives hold is not. */
export const MAX_DEPTH = 2;
export const MAX_FILES = 50;
export const MAX_BYTES = 100 * 1024 * 1024;
const NAME_LENGTH = 100;

/** Gathers inner files within the limits. */
export class InnerFiles {
  readonly files: InnerFile[] = [];
  #bytes = 0;

  add(path: string, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    if (this.files.length >= MAX_FILES || this.#bytes > MAX_BYTES) {
      throw new DocumentRefusedError("too_large", "it holds more files than can be taken");
    }
    this.files.push({ name: safeName(path), bytes });
  }
}

/** The last part of a path, fit to be shown and to name a file: no way up, no signs of control. */
export function safeName(path: string): string {
  const last = path.split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const name = last.toWellFormed().replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, "").replace(/^\.+/, "")
    .trim();
  return name.slice(-NAME_LENGTH) || "file";
}
