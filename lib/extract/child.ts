/**
 * The sandboxed program: one file in, its passages and index out, and an end.
 * It runs without any permission, so no document can reach anything.
 *
 * Input: the length of the file's name (4 bytes, big-endian), the name, the
 * file. Output: one JSON text, see `ChildReply`.
 */
import { formats } from "../../plugins/documents/formats.ts";
import { loadPdfium } from "../../plugins/documents/pdf.ts";
import { DocumentRefusedError, type Extracted, type RefusalReason } from "../library.ts";
import { indexSections } from "../retrieval/index.ts";

export type ChildReply =
  | { extracted: Extracted }
  | { refused: { reason: RefusalReason; detail: string } };

// The slowest library, loaded while the process waits for its file.
await loadPdfium();
const input = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
const reply = new TextEncoder().encode(JSON.stringify(await read(input)));
for (let at = 0; at < reply.length;) at += await Deno.stdout.write(reply.subarray(at));

async function read(input: Uint8Array): Promise<ChildReply> {
  const nameLength = new DataView(input.buffer).getUint32(0);
  const name = new TextDecoder().decode(input.subarray(4, 4 + nameLength));
  try {
    return { extracted: await extract(name, input.slice(4 + nameLength)) };
  } catch (error) {
    if (error instanceof DocumentRefusedError) {
      return { refused: { reason: error.reason, detail: error.message } };
    }
    const detail = error instanceof Error ? error.message : String(error);
    const reason = error instanceof RangeError ? "too_complex" : "damaged";
    return { refused: { reason, detail } };
  }
}

async function extract(name: string, bytes: Uint8Array): Promise<Extracted> {
  if (bytes.length === 0) throw new DocumentRefusedError("empty", "it has no bytes");
  const format = formats.find(({ matches }) => matches(bytes, name));
  if (format === undefined) {
    throw new DocumentRefusedError("unsupported", "it is of no format that is known here");
  }
  const sections = await format.extract(bytes);
  const pages = sections.reduce((last, { page }) => Math.max(last, page), 0);
  return { format: format.name, unit: format.unit, pages, ...indexSections(sections) };
}
