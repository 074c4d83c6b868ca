/**
 * How long a book takes to be indexed and searched, and all the documents of
 * one user at once: through the actors, on both databases.
 */
import { ask } from "../../lib/ask.ts";
import type { Section } from "../../lib/library.ts";
import { indexSections } from "../../lib/retrieval/index.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld, type Storage, type World } from "../support/world.ts";
import { repeat, type Row, row } from "./measure.ts";
import { type Prose, proseIn, type ProseLanguage, randomFrom } from "./prose.ts";

const PAGES = 1_000;
const DOCUMENTS = 1_000;
const PAGES_OF_EACH = 3;
const SEARCHES = 100;
const BUDGET = 25_000;
const USER = 1;
const LANGUAGES: readonly ProseLanguage[] = ["en", "ru"];

export async function benchSearch(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const storage of ["services", "embedded"] satisfies Storage[]) {
    if (storage === "services" && missingServices !== undefined) continue;
    await using world = await startWorld(storage);
    await ask(world.running.system, "db.touchUsers", {
      users: [{ userId: USER, name: "Ada", language: "en" }],
    });
    const prose = LANGUAGES.map((language, n) => proseIn(language, randomFrom(n + 1)));
    rows.push(...await benchBook(world, storage, prose), ...await benchMany(world, storage, prose));
    rows.push(...await benchMeaning(storage));
  }
  return rows;
}

/** The same books and documents with their vectors; a server of this machine embeds the questions. */
async function benchMeaning(storage: Storage): Promise<Row[]> {
  await using gemini = await startGeminiServer();
  await using world = await startWorld(storage, {
    GEMINI_API_KEY: "k",
    GEMINI_BASE_URL: gemini.url,
  });
  const { system } = world.running;
  await ask(system, "db.touchUsers", {
    users: [{ userId: USER, name: "Ada", language: "en" }],
  });
  const prose = LANGUAGES.map((language, n) => proseIn(language, randomFrom(n + 1)));
  const idsOf = async (documents: number, pages: number) => {
    const ids: number[] = [];
    for (let n = 0; n < documents; n++) {
      const language = prose[n % prose.length];
      if (language === undefined) continue;
      const extracted = indexSections(pagesOf(language, pages));
      ids.push((await add(world, `${pages} pages ${n}`, extracted)).id);
    }
    return ids;
  };
  const books = await idsOf(LANGUAGES.length, PAGES);
  const letters = await idsOf(DOCUMENTS, PAGES_OF_EACH);
  const model = "gemini/gemini-embedding-001";
  const begun = performance.now();
  while (await ask(system, "db.countUnembedded", { model }) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const embedded = (performance.now() - begun) / 1_000;
  console.error(`Vectors of all documents (${storage}): ${embedded.toFixed(1)} s`);
  const searched: number[] = [];
  for (const id of books) searched.push(...await search(world, [id], prose));
  return [
    row(`1,000 pages searched by words and meaning (${storage})`, searched),
    row(
      `1,000 documents searched by words and meaning (${storage})`,
      await search(world, letters, prose),
    ),
  ];
}

/** One document of a thousand pages, in each language. */
async function benchBook(world: World, storage: Storage, prose: readonly Prose[]): Promise<Row[]> {
  const indexed: number[] = [];
  const stored: number[] = [];
  const searched: number[] = [];
  for (const [n, language] of prose.entries()) {
    const sections = pagesOf(language, PAGES);
    // The code is cold at the first time, and a reader is warmed as well.
    indexSections(sections.slice(0, 50));
    const begun = performance.now();
    const extracted = indexSections(sections);
    indexed.push(performance.now() - begun);
    const { id } = await add(world, `book ${n}`, extracted);
    stored.push(performance.now() - begun);
    searched.push(...await search(world, [id], prose));
  }
  return [
    row(`1,000 pages, cut and indexed`, indexed),
    row(`1,000 pages, indexed and stored (${storage})`, stored),
    row(`1,000 pages searched (${storage})`, searched),
  ];
}

/** A thousand documents of one user, in both languages, searched at once. */
async function benchMany(world: World, storage: Storage, prose: readonly Prose[]): Promise<Row[]> {
  const ids: number[] = [];
  const times: number[] = [];
  for (let n = 0; n < DOCUMENTS; n++) {
    const language = prose[n % prose.length];
    if (language === undefined) continue;
    const begun = performance.now();
    const extracted = indexSections(pagesOf(language, PAGES_OF_EACH));
    ids.push((await add(world, `letter ${n}`, extracted)).id);
    times.push(performance.now() - begun);
  }
  return [
    row(`${PAGES_OF_EACH} pages, indexed and stored (${storage})`, times),
    row(`1,000 documents searched at once (${storage})`, await search(world, ids, prose)),
  ];
}

function pagesOf(prose: Prose, pages: number): Section[] {
  return Array.from({ length: pages }, (_, n) => prose.page(n + 1));
}

function add(
  { running: { system } }: World,
  name: string,
  extracted: ReturnType<typeof indexSections>,
) {
  const rest = { format: "text", unit: "page", tables: [], files: [], unread: 0 } as const;
  const pages = new Set(extracted.passages.map(({ page }) => page)).size;
  return ask(system, "db.addDocument", {
    userId: USER,
    sha256: name,
    name,
    bytes: 1,
    extracted: { ...extracted, ...rest, pages },
  }, { timeoutMs: 60_000 });
}

function search(
  { running: { system } }: World,
  documentIds: readonly number[],
  prose: readonly Prose[],
): Promise<number[]> {
  return repeat(SEARCHES, async (n) => {
    const question = prose[Math.abs(n) % prose.length]?.question(5) ?? "";
    const request = { userId: USER, documentIds, question, budget: BUDGET };
    await ask(system, "library.search", request, { timeoutMs: 60_000 });
  });
}
