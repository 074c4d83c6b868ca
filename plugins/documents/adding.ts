/** Adds a file and all that came within it, one document after the other. */
import {
  type AddedDocument,
  DocumentRefusedError,
  type NewDocument,
  type Stage,
} from "../../lib/library.ts";
import type { PluginContext } from "../plugin.ts";

/** Reading has its own limits; this is the end of waiting for a busy sandbox. */
const ADD_TIMEOUT_MS = 9 * 60_000;

/** How one file ended. */
export type Outcome =
  | { name: string; added: AddedDocument }
  | { name: string; refused: DocumentRefusedError };

/** What is told while files are read. */
export interface AddingProgress {
  /** `name` has come to this stage; it is the `n`th of `of` files so far. */
  onStage(name: string, stage: Stage, n: number, of: number): void;
}

/**
 * Adds `file` and the files in it. One that is refused does not stop the others;
 * one that its sender cancels does, and what was added before it stays.
 */
export async function addFile(
  { ask }: Pick<PluginContext, "ask">,
  file: NewDocument,
  { onStage }: AddingProgress,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [file];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { name, depth = 0, userId, updateId } = next;
    try {
      const added = await ask("library.add", next, {
        timeoutMs: ADD_TIMEOUT_MS,
        onChunk: (stage) =>
          onStage(name, stage, outcomes.length + 1, outcomes.length + 1 + waiting.length),
      });
      outcomes.push({ name, added });
      const inner = added.files.map((each) => ({
        ...each,
        userId,
        depth: depth + 1,
        ...(updateId !== undefined && { updateId }),
      }));
      waiting.push(...inner);
    } catch (error) {
      if (!(error instanceof DocumentRefusedError)) throw error;
      outcomes.push({ name, refused: error });
      if (error.reason === "cancelled") break;
    }
  }
  return outcomes;
}
