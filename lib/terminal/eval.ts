/**
 * Retrieval measured over a question set: what would go into the prompt, by the
 * same actors as in the bot, and how often the evidence is in it, beside two
 * baselines computed in the same run.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addFile } from "../../plugins/documents/adding.ts";
import { ask } from "../ask.ts";
import type { Config } from "../config.ts";
import { beginning, plainBm25 } from "../evaluation/baselines.ts";
import { isCovered, wordsOf } from "../evaluation/coverage.ts";
import { type Question, readQuestions } from "../evaluation/questions.ts";
import type { DocumentInfo, FoundPassage } from "../library.ts";
import type { Running, StartSystem } from "../running.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** The measuring user; Telegram's ids begin at 1. */
const USER_ID = 0;
const SEARCH_TIMEOUT_MS = 60_000;
const BUDGETS = [25_000, 4_000, 1_000];
/** A document of more tokens does not go in whole. */
const LARGE = 25_000;
const EVERYTHING = 1_000_000_000;

/** A document as the baselines see it. */
interface EvalDocument {
  info: DocumentInfo;
  pages: readonly string[];
  pageWords: ReadonlyMap<number, readonly string[]>;
}

/** Measures and writes; gives the exit code. */
export async function runEval(
  startSystem: StartSystem,
  config: Config,
  args: readonly string[],
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      qa: { type: "string" },
      docs: { type: "string" },
      budget: { type: "string" },
      out: { type: "string" },
      table: { type: "boolean" },
    },
  });
  const { qa, docs, out, table } = values;
  const budget = Number(values.budget ?? config.contextTokens);
  if (qa === undefined || docs === undefined || out === undefined || !(budget > 0)) {
    console.error(
      "Usage: deno task eval --qa FILE.jsonl --docs DIR [--budget TOKENS] --out FILE.jsonl [--table]",
    );
    return EXIT_USAGE;
  }
  const folder = `${config.dataDir}/eval`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const running = await startSystem({ ...config, dataDir: folder }, "terminal", () => {});
  try {
    await running.started;
    const questions = await readQuestions(qa);
    await ask(running.system, "db.touchUsers", {
      users: [{ userId: USER_ID, name: "eval", language: "en" }],
    });
    const documents = new Map<string, EvalDocument | Error>();
    for (const file of new Set(questions.map(({ doc_file }) => doc_file))) {
      documents.set(file, await add(running, join(docs, file)).catch(asError));
    }
    const lines: string[] = [];
    for (const question of questions) {
      lines.push(JSON.stringify(await answer(running, documents, question, budget)));
    }
    await Deno.writeTextFile(out, `${lines.join("\n")}\n`);
    if (table) await printTable(running, documents, questions);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  } finally {
    running.stop();
    await running.ended;
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

async function add({ system }: Running, path: string): Promise<EvalDocument> {
  const bytes = await Deno.readFile(path);
  const [outcome] = await addFile(
    { ask: (type, body, options) => ask(system, type, body, options) },
    { userId: USER_ID, name: path.split("/").at(-1) ?? path, bytes },
    { onStage: () => {} },
  );
  if (outcome === undefined || !("added" in outcome) || outcome.added.document === undefined) {
    throw new Error(outcome && "refused" in outcome ? outcome.refused.message : "nothing to read");
  }
  const info = outcome.added.document;
  const all = await search(system, info, "", EVERYTHING);
  const texts = new Map<number, string>();
  for (const { page, text } of inOrder(all)) {
    texts.set(page, `${texts.get(page) ?? ""}\n${text}`);
  }
  const pageWords = new Map([...texts].map(([page, text]) => [page, wordsOf(text)]));
  return { info, pages: [...texts.values()], pageWords };
}

async function search(
  system: Running["system"],
  { id }: DocumentInfo,
  question: string,
  budget: number,
): Promise<readonly FoundPassage[]> {
  const body = { userId: USER_ID, documentIds: [id], question, budget };
  return (await ask(system, "library.search", body, { timeoutMs: SEARCH_TIMEOUT_MS })).passages;
}

function inOrder(passages: readonly FoundPassage[]): FoundPassage[] {
  return passages.toSorted((a, b) => a.ordinal - b.ordinal);
}

/** A line of the output, as the contract has it. */
async function answer(
  { system }: Running,
  documents: ReadonlyMap<string, EvalDocument | Error>,
  { doc_file, question }: Question,
  budget: number,
) {
  const document = documents.get(doc_file);
  if (document === undefined || document instanceof Error) {
    return { doc_file, question, error: document?.message ?? "it was not read" };
  }
  const begun = performance.now();
  const passages = await search(system, document.info, question, budget);
  const ms = performance.now() - begun;
  return {
    doc_file,
    question,
    passages: passages.map(({ text, page, ordinal, tokens, score }) => ({
      text,
      page,
      position: ordinal,
      tokens,
      score,
    })),
    tokens: passages.reduce((sum, { tokens }) => sum + tokens, 0),
    ms: Math.round(ms * 100) / 100,
  };
}

/** The share of questions whose evidence is there, by budget and language, beside the baselines. */
async function printTable(
  { system }: Running,
  documents: ReadonlyMap<string, EvalDocument | Error>,
  questions: readonly Question[],
): Promise<void> {
  const groups = new Map<string, { asked: number; covered: number[] }>();
  const count = (name: string, covered: readonly boolean[]) => {
    const group = groups.get(name) ?? { asked: 0, covered: covered.map(() => 0) };
    group.asked++;
    for (const [n, isIt] of covered.entries()) {
      if (isIt) group.covered[n] = (group.covered[n] ?? 0) + 1;
    }
    groups.set(name, group);
  };
  for (const question of questions) {
    const document = documents.get(question.doc_file);
    if (question.unanswerable || document === undefined || document instanceof Error) continue;
    const { info, pages, pageWords } = document;
    const isIn = (text: string) => isCovered(question, text, pageWords);
    for (const budget of BUDGETS) {
      const passages = await search(system, info, question.question, budget);
      const chosen = inOrder(passages).map(({ text }) => text).join("\n");
      const covered = [
        chosen,
        plainBm25(pages, question.question, budget),
        beginning(pages, budget),
      ].map(isIn);
      const size = info.tokens > LARGE ? "large" : "small";
      for (const name of ["all", `${question.lang || "?"}, ${size}`, question.doc_file]) {
        count(`${budget} tokens | ${name}`, covered);
      }
    }
  }
  console.log("| budget | questions | asked | here | plain BM25 | beginning |");
  console.log("| --- | --- | ---: | ---: | ---: | ---: |");
  for (const [name, { asked, covered }] of groups) {
    const shares = covered.map((each) => `${(each / asked * 100).toFixed(1)} %`);
    console.log(`| ${[name, asked, ...shares].join(" | ")} |`);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
