/**
 * What reads letters in pictures, and where it is: the program in its package,
 * the Russian model in the operating system's package, as no package of the
 * registry has it. Only the bot can look there, and hands it to a reader.
 */
import type { OcrPart } from "../../plugins/plugin.ts";

/** Debian's folder by its version, and what Homebrew and others use. */
export const MODEL_FOLDERS: readonly string[] = [
  "/usr/share/tesseract-ocr/5/tessdata",
  "/usr/share/tesseract-ocr/4.00/tessdata",
  "/usr/share/tessdata",
  "/usr/local/share/tessdata",
  "/opt/homebrew/share/tessdata",
];

/** The part's bytes; none where it is not installed. */
export async function readOcrPart(part: OcrPart): Promise<Uint8Array> {
  if (part === "engine") {
    return await Deno.readFile(
      new URL("./tesseract-core.wasm", import.meta.resolve("tesseract-wasm")),
    );
  }
  for (const folder of MODEL_FOLDERS) {
    try {
      return await Deno.readFile(`${folder}/${part}.traineddata`);
    } catch (error) {
      const isAbsent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable;
      if (!isAbsent) throw error;
    }
  }
  return new Uint8Array();
}
