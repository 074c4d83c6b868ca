/**
 * The sandboxed program: one file in, its passages and index out, and an end.
 * It runs without any permission, so no document can reach anything.
 *
 * It speaks frames, see `frames.ts`. In: `ChildRequest` as JSON, the file, and
 * what it asks for to read pictures. Out: `ChildMessage`s as JSON; after the
 * one that ends it, the bytes of its tables and of the files it held.
 */
import { extractFile } from "../../plugins/documents/formats.ts";
import { DocumentRefusedError, type Extracted, type RefusalReason } from "../library.ts";
import type { OcrPart } from "../../plugins/plugin.ts";
import { frame, framesOf, jsonFrame, jsonOf } from "./frames.ts";
import { warmUp } from "./warm_up.ts";
import { indexSections } from "../retrieval/index.ts";

/** What a file is, beside its bytes. */
export interface ChildRequest {
  name: string;
  /** How many files it came within; files of files of files are not opened. */
  depth: number;
}

export type ChildMessage =
  /** Pages are read one by one from their pictures, which takes seconds each. */
  | { scanned: { done: number; of: number } }
  /** A frame with this, or an empty one, is waited for. */
  | { needs: OcrPart }
  | { extracted: Described }
  | { refused: { reason: RefusalReason; detail: string } };

/** What is extracted; the bytes of `tables` and `files` follow in this order. */
export type Described = Omit<Extracted, "tables" | "files"> & {
  tables: Omit<Extracted["tables"][number], "data">[];
  files: { name: string }[];
};

await warmUp();
const input = framesOf(Deno.stdin.readable, Number.MAX_SAFE_INTEGER);
const request = jsonOf(await next()) as ChildRequest;
await send(...await read(request, await next()));

async function next(): Promise<Uint8Array<ArrayBuffer>> {
  const { value, done } = await input.next();
  if (done || value === undefined) throw new Error("Cannot read the file as its input has ended");
  return value;
}

async function send(...chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
  }
}

function message(what: ChildMessage): Uint8Array[] {
  return jsonFrame(what);
}

async function read(
  { name, depth }: ChildRequest,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array[]> {
  try {
    const { format, unit, content } = await extractFile(bytes, {
      name,
      depth,
      onScanned: (done, of) => send(...message({ scanned: { done, of } })),
      async ocrPart(part) {
        await send(...message({ needs: part }));
        const bytes = await next();
        return bytes.length === 0 ? undefined : bytes;
      },
    });
    const { sections, tables = [], files = [], unread = 0 } = content;
    const pages = sections.reduce((last, { page }) => Math.max(last, page), content.pages ?? 0);
    const extracted: Described = {
      format,
      unit,
      pages,
      unread,
      ...indexSections(sections),
      tables: tables.map(({ data: _, ...table }) => table),
      files: files.map(({ name }) => ({ name })),
    };
    const blobs = [...tables.map(({ data }) => data), ...files.map(({ bytes }) => bytes)];
    return [...message({ extracted }), ...blobs.flatMap(frame)];
  } catch (error) {
    if (error instanceof DocumentRefusedError) {
      return message({ refused: { reason: error.reason, detail: error.detail } });
    }
    const detail = error instanceof Error ? error.message : String(error);
    const reason = error instanceof RangeError ? "too_complex" : "damaged";
    return message({ refused: { reason, detail } });
  }
}
