/**
 * One reader: a process without permissions that takes one file and tells what
 * it has read. It has read a hostile file, so nothing that it says is trusted.
 */
import { z } from "zod";
import { DocumentRefusedError, type Extracted, type Passage, type Posting } from "../library.ts";
import type { ChildMessage, Described } from "./child.ts";
import { frame, framesOf, jsonFrame, jsonOf } from "./frames.ts";
import { readOcrPart } from "./models.ts";

/** A file to read, and what its sender is told meanwhile. */
export interface FileToRead {
  /** As the sender named it. */
  name: string;
  bytes: Uint8Array;
  /** How many files it came within. */
  depth: number;
  /** Called for each page that was read from its picture. */
  onScanned(done: number, of: number): void;
}

/**
 * Gives a reader its file and waits for its end.
 *
 * @throws {DocumentRefusedError} when it refuses the file or dies of it
 */
export async function readFile(process: Deno.ChildProcess, file: FileToRead): Promise<Extracted> {
  const stdin = process.stdin.getWriter();
  const send = async (...chunks: readonly Uint8Array[]) => {
    // A process that has died takes no input; its status tells more.
    for (const chunk of chunks) await stdin.write(chunk).catch(() => {});
  };
  const sending = send(
    ...jsonFrame({ name: file.name, depth: file.depth }),
    ...frame(file.bytes),
  );
  const frames = framesOf(process.stdout, MAX_REPLY_BYTES);
  try {
    for await (const payload of frames) {
      const message: ChildMessage = MESSAGE.parse(jsonOf(payload));
      if ("scanned" in message) file.onScanned(message.scanned.done, message.scanned.of);
      else if ("needs" in message) await send(...frame(await readOcrPart(message.needs)));
      else if ("refused" in message) {
        throw new DocumentRefusedError(message.refused.reason, message.refused.detail);
      } else return await withBlobs(message.extracted, frames);
    }
  } catch (error) {
    if (error instanceof DocumentRefusedError) throw error;
    const detail = "its reader says what makes no sense";
    throw new DocumentRefusedError("too_complex", detail, { cause: error });
  } finally {
    await sending;
    await stdin.close().catch(() => {});
    await frames.return();
  }
  const { signal, code } = await process.status;
  throw new DocumentRefusedError("too_complex", `its reader died (${signal ?? code})`);
}

async function withBlobs(
  { tables, files, ...extracted }: Described,
  frames: AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
): Promise<Extracted> {
  const blob = async () => {
    const { value } = await frames.next();
    if (value === undefined) {
      throw new DocumentRefusedError("too_complex", "its reader died as it told the tables");
    }
    return value;
  };
  const withTables = [];
  for (const table of tables) withTables.push({ ...table, data: await blob() });
  const withFiles = [];
  for (const { name } of files) withFiles.push({ name, bytes: await blob() });
  return { ...extracted, tables: withTables, files: withFiles };
}

/** A reader may tell no more than this in all: it is in the bot's own memory. */
const MAX_REPLY_BYTES = 200 * 1024 * 1024;

const count = z.number().int().nonnegative();

function isPassage(value: Partial<Passage>): boolean {
  const { ordinal, page, heading, text, tokens, length } = value ?? {};
  return [ordinal, page, tokens, length].every(isCount) && typeof text === "string" &&
    Array.isArray(heading) && heading.every((each) => typeof each === "string");
}

function isPosting(value: Partial<Posting>): boolean {
  const { term, ordinals, counts } = value ?? {};
  return typeof term === "string" && Array.isArray(ordinals) && ordinals.every(isCount) &&
    Array.isArray(counts) && counts.length === ordinals.length && counts.every(isCount);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a reader may say. */
const MESSAGE: z.ZodType<ChildMessage> = z.union([
  z.object({ scanned: z.object({ done: count, of: count }) }),
  z.object({ needs: z.enum(["engine", "rus"]) }),
  z.object({
    extracted: z.object({
      format: z.string(),
      unit: z.enum(["page", "sheet", "slide", "chapter", "part", "minute"]),
      pages: count,
      tokens: count,
      unread: count,
      // Checked in place: a copy of a long document would be hundreds of megabytes.
      passages: z.custom<Passage[]>((value) => Array.isArray(value) && value.every(isPassage)),
      postings: z.custom<Posting[]>((value) => Array.isArray(value) && value.every(isPosting)),
      tables: z.array(z.object({
        name: z.string(),
        page: count,
        columns: z.array(z.object({
          name: z.string(),
          type: z.enum(["number", "date", "text"]),
          examples: z.array(z.string()),
        })),
        rows: count,
      })),
      files: z.array(z.object({ name: z.string() })),
    }),
  }),
  z.object({
    refused: z.object({
      reason: z.enum([
        "unsupported",
        "empty",
        "no_text",
        "unreadable",
        "encrypted",
        "damaged",
        "too_large",
        "too_slow",
        "too_complex",
      ]),
      detail: z.string(),
    }),
  }),
]);
