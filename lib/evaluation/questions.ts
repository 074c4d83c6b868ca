/** Question sets with known evidence, read from JSON lines as the contract has them. */
import { z } from "zod";

const QUESTION = z.object({
  doc_file: z.string(),
  question: z.string(),
  evidence: z.array(z.string()).default([]),
  evidence_any: z.boolean().optional(),
  pages: z.array(z.number()).default([]),
  lang: z.string().default(""),
  unanswerable: z.boolean().optional(),
});
/** A question about a document, and where its answer stands. */
export type Question = z.output<typeof QUESTION>;

/** @throws {Error} naming the line that is no question */
export async function readQuestions(path: string): Promise<Question[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").filter((line) => line.trim() !== "").map((line, n) => {
    const parsed = QUESTION.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    throw new Error(`Cannot read '${path}' as line ${n + 1} is no question with its evidence`);
  });
}
