/**
 * The sandboxed program that takes the sound out of one recording, in parts,
 * and ends. It runs without any permission, so no recording can reach anything.
 *
 * In, as frames: `PartLimits` as JSON, then the file. Out: for each part
 * `{ part }` as JSON and its bytes; then one of the other `RemuxMessage`s.
 */
import { frame, framesOf, jsonFrame, jsonOf } from "../extract/frames.ts";
import { DocumentRefusedError, type RefusalReason } from "../library.ts";
import type { PartLimits } from "./parts.ts";
import type { SoundType } from "./recording.ts";
import { remux } from "./remux.ts";

export type RemuxMessage =
  /** Its bytes follow. */
  | { part: { start: number; seconds: number } }
  /** All parts were told, and are of this format. */
  | { done: { extension: SoundType } }
  /** Its codec is none that can be put into a file of its own. */
  | { uncut: true }
  | { refused: { reason: RefusalReason; detail: string } };

const input = framesOf(Deno.stdin.readable, Number.MAX_SAFE_INTEGER);
const limits = jsonOf(await next()) as PartLimits;
await send(...jsonFrame(await cut(await next())));

async function next(): Promise<Uint8Array<ArrayBuffer>> {
  const { value } = await input.next();
  if (value === undefined) throw new Error("Cannot cut the recording as the input has ended");
  return value;
}

async function send(...chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
  }
}

async function cut(file: Uint8Array<ArrayBuffer>): Promise<RemuxMessage> {
  try {
    const extension = await remux(
      file,
      limits,
      ({ bytes, ...part }) => send(...jsonFrame({ part } satisfies RemuxMessage), ...frame(bytes)),
    );
    return extension === undefined ? { uncut: true } : { done: { extension } };
  } catch (error) {
    if (error instanceof DocumentRefusedError) {
      return { refused: { reason: error.reason, detail: error.detail } };
    }
    const detail = error instanceof Error ? error.message : String(error);
    return { refused: { reason: "damaged", detail } };
  }
}
