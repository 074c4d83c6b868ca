/** Asks tables in the sandbox: a process of its own for each question, with its limits. */
import { z } from "zod";
import { frame, framesOf, jsonFrame, jsonOf } from "../extract/frames.ts";
import { endProcess, startSandboxed } from "../extract/process.ts";
import { TableQueryError } from "../tables.ts";
import type { TableReply, TableRequest } from "./child.ts";

const TIMEOUT_MS = 15_000;
const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/**
 * @param data of each table, `Table.data`
 * @param timeoutMs for loading the rows and for the query; also of the processor
 * @throws {TableQueryError} when the query is wrong or takes too long
 */
export async function askTables(
  request: TableRequest,
  data: readonly Uint8Array[],
  signal: AbortSignal,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Exclude<TableReply, { failed: string }>> {
  signal.throwIfAborted();
  const process = startSandboxed(
    new URL("./child.ts", import.meta.url),
    Math.ceil(timeoutMs / 1_000),
  );
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const limits = AbortSignal.any([signal, controller.signal]);
  const stop = () => void endProcess(process);
  limits.addEventListener("abort", stop, { once: true });
  const frames = framesOf(process.stdout, MAX_REPLY_BYTES);
  const stdin = process.stdin.getWriter();
  const sending = (async () => {
    for (const chunk of [...jsonFrame(request), ...data.flatMap(frame)]) await stdin.write(chunk);
    await stdin.close();
    // A process that has died takes no input; its silence tells enough.
  })().catch(() => {});
  try {
    const { value } = await frames.next();
    signal.throwIfAborted();
    if (value === undefined) throw new TableQueryError("Cannot run the query as it takes too much");
    const reply = REPLY.parse(jsonOf(value)) as TableReply;
    if ("failed" in reply) throw new TableQueryError(`Cannot run the query as ${reply.failed}`);
    return reply;
  } finally {
    clearTimeout(timer);
    limits.removeEventListener("abort", stop);
    await frames.return();
    stop();
    await sending;
    await process.status;
  }
}

const cell = z.union([z.string(), z.number(), z.null()]);
const result = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(cell)),
  total: z.number(),
});

/** The process has run a query that somebody wrote: what it says is checked. */
const REPLY = z.union([
  z.object({ answer: z.object({ result, evidence: result.optional() }) }),
  z.object({
    found: z.array(z.object({
      table: z.object({
        name: z.string(),
        page: z.number(),
        columns: z.array(
          z.object({
            name: z.string(),
            type: z.enum(["number", "date", "text"]),
            examples: z.array(z.string()),
          }),
        ),
        rows: z.number(),
      }),
      columns: z.array(z.object({
        name: z.string(),
        type: z.enum(["number", "date", "text"]),
        filled: z.number(),
        distinct: z.number(),
        min: cell,
        max: cell,
        sum: z.number().optional(),
      })),
      rows: z.array(z.array(cell)),
    })),
  }),
  z.object({ failed: z.string() }),
]);
