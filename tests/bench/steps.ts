/**
 * What each step of retrieval buys over a question set, without a database:
 * `deno run … tests/bench/steps.ts --qa FILE.jsonl --docs DIR [--large]`. The last
 * row is the search as it is shipped.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { plainBm25 } from "../../lib/evaluation/baselines.ts";
import { isCovered, wordsOf } from "../../lib/evaluation/coverage.ts";
import { type Question, readQuestions } from "../../lib/evaluation/questions.ts";
import { readOcrPart } from "../../lib/extract/models.ts";
import { rank } from "../../lib/retrieval/bm25.ts";
import { choose } from "../../lib/retrieval/choose.ts";
import { tokensNeeded } from "../../lib/retrieval/enough.ts";
import { indexSections } from "../../lib/retrieval/index.ts";
import { shareWithNeighbours } from "../../lib/retrieval/neighbours.ts";
import { searchedTerms } from "../../lib/retrieval/question.ts";
import { search } from "../../lib/retrieval/search.ts";
import { termsOf } from "../../lib/retrieval/terms.ts";
import { extractFile } from "../../plugins/documents/formats.ts";
import { portsOver } from "../support/ports.ts";

const BUDGETS = [25_000, 4_000, 1_000];
const LARGE = 25_000;

type Read = Awaited<ReturnType<typeof read>>;
/** The chosen text in document order, and its tokens. */
type Step = (read: Read, question: string, budget: number) => Promise<[string, number]>;

const STEPS: Record<string, Step> = {
  "plain BM25": ({ pages }, question, budget) =>
    Promise.resolve([plainBm25(pages, question, budget), budget]),
  "stems, numbers, headings": ranked({ terms: (question) => ({ own: termsOf(question) }) }),
  "+ the question cleaned": ranked({ terms: (question) => ({ own: searchedTerms(question).own }) }),
  "+ neighbours counted in": ranked({
    terms: (question) => ({ own: searchedTerms(question).own }),
    isShared: true,
  }),
  "+ the glossary": ranked({ terms: searchedTerms, isShared: true }),
  "+ far behind left out": ranked({ terms: searchedTerms, isShared: true, isCut: true }),
  "+ the other language (as shipped)": async ({ ports, passages }, question, budget) => {
    const found = await search(ports, { userId: 1, documentIds: [1], question, budget });
    return textOf(passages, found.passages.map(({ ordinal }) => ordinal));
  },
};

function ranked({ terms, isShared = false, isCut = false }: {
  terms: (question: string) => { own: readonly string[]; added?: readonly string[] };
  isShared?: boolean;
  isCut?: boolean;
}): Step {
  return async ({ ports, passages }, question, budget) => {
    const { own, added = [] } = terms(question);
    const body = { userId: 1, documentIds: [1], terms: [...new Set([...own, ...added])] };
    const { documents, postings } = await ports.findPostings(body);
    const found = rank(documents, postings, new Set(added));
    const all = isShared ? shareWithNeighbours(found, documents) : found;
    const limit = isCut ? tokensNeeded(all, documents, budget) : budget;
    return textOf(passages, choose(all, documents, limit).map(({ ordinal }) => ordinal));
  };
}

function textOf(passages: Read["passages"], ordinals: readonly number[]): [string, number] {
  const chosen = new Set(ordinals);
  const inOrder = passages.filter(({ ordinal }) => chosen.has(ordinal));
  const tokens = inOrder.reduce((sum, passage) => sum + passage.tokens, 0);
  return [inOrder.map(({ text }) => text).join("\n"), tokens];
}

async function read(path: string) {
  const { content } = await extractFile(await Deno.readFile(path), {
    name: path,
    depth: 0,
    onScanned: () => Promise.resolve(),
    ocrPart: async (part) => new Uint8Array(await readOcrPart(part)),
  });
  const { passages, postings, tokens } = indexSections(content.sections);
  const texts = new Map<number, string>();
  for (const { page, text } of passages) texts.set(page, `${texts.get(page) ?? ""}\n${text}`);
  const pageWords = new Map([...texts].map(([page, text]) => [page, wordsOf(text)]));
  const ports = portsOver({ passages, postings, tokens });
  return { passages, tokens, ports, pages: [...texts.values()], pageWords };
}

const { values: { qa = "", docs = "", large = false } } = parseArgs({
  options: { qa: { type: "string" }, docs: { type: "string" }, large: { type: "boolean" } },
});
const asked: [Read, Question][] = [];
const reads = new Map<string, Read>();
for (const question of await readQuestions(qa)) {
  const { doc_file } = question;
  const document = reads.get(doc_file) ?? await read(join(docs, doc_file));
  reads.set(doc_file, document);
  if (!question.unanswerable && (!large || document.tokens > LARGE)) {
    asked.push([document, question]);
  }
}
console.log(`| ${asked.length} questions | ${BUDGETS.join(" | ")} | tokens at ${BUDGETS[0]} |`);
console.log("| --- | ---: | ---: | ---: | ---: |");
for (const [name, step] of Object.entries(STEPS)) {
  const cells: string[] = [];
  let tokens = 0;
  for (const budget of BUDGETS) {
    let covered = 0;
    for (const [document, question] of asked) {
      const [text, spent] = await step(document, question.question, budget);
      if (isCovered(question, text, document.pageWords)) covered++;
      if (budget === BUDGETS[0]) tokens += spent;
    }
    cells.push(`${(covered / asked.length * 100).toFixed(1)} %`);
  }
  console.log(`| ${[name, ...cells, Math.round(tokens / asked.length)].join(" | ")} |`);
}
