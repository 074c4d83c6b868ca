/** The texts: the same keys in both languages, and every key that a plugin asks for. */
import assert from "node:assert/strict";
import { languageOf, LANGUAGES, loadTexts } from "../lib/texts/texts.ts";

const texts = await loadTexts();
const stats = { documents: 1, pages: 1, questions: 1, today: 1, cached: 1 };

async function keysOf(language: string): Promise<string[]> {
  const source = await Deno.readTextFile(
    new URL(`../lib/texts/${language}.ftl`, import.meta.url),
  );
  return [...source.matchAll(/^([a-z][\w-]*) =/gm)].map(([, key = ""]) => key).sort();
}

/** Keys that stand in the sources of plugins as they are. */
async function* keysInPlugins(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* keysInPlugins(new URL(`${name}/`, folder));
    else {
      const source = await Deno.readTextFile(new URL(name, folder));
      const calls = source.matchAll(/\bt\((?:\w+ [^"?]*\? )?"([\w-]+)"|description: "([\w-]+)"/g);
      for (const [, key, description] of calls) yield key ?? description ?? "";
    }
  }
}

Deno.test("every text is there in every language", async () => {
  const [first, ...others] = await Promise.all(LANGUAGES.map(keysOf));
  assert.ok(first !== undefined && first.length > 40);
  for (const keys of others) assert.deepEqual(keys, first);
});

Deno.test("every text can be said", async () => {
  for (const language of LANGUAGES) {
    for (const key of await keysOf(language)) {
      const args = { name: "n", count: 2, unit: "page", list: "l", megabytes: 1, size: 1, id: 1 };
      const reading = { done: 1, part: 1, of: 2, pages: "p", url: "u", rows: 3, shown: 10 };
      const said = texts(language, key, { ...args, ...reading, ...stats, extensions: "e" });
      assert.notEqual(said, `{${key}}`, `${language}: ${key} has a mistake in its syntax`);
    }
  }
});

Deno.test("every key that a plugin asks for is there", async () => {
  const known = new Set(await keysOf("en"));
  const asked = new Set<string>();
  for await (const key of keysInPlugins(new URL("../plugins/", import.meta.url))) asked.add(key);
  assert.ok(asked.size > 20);
  assert.deepEqual([...asked].filter((key) => !known.has(key)), []);
});

Deno.test("Russian counts as Russian does", () => {
  const pages = (count: number) => texts("ru", "unit-count", { count, unit: "page" });
  assert.deepEqual([1, 2, 5, 21, 112].map(pages), [
    "1 страница",
    "2 страницы",
    "5 страниц",
    "21 страница",
    "112 страниц",
  ]);
});

Deno.test("a client's language decides how a new user is spoken to", () => {
  assert.deepEqual(["ru", "ru-RU", "uk", "en", "de", undefined].map(languageOf), [
    "ru",
    "ru",
    "ru",
    "en",
    "en",
    "en",
  ]);
});
