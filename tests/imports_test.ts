/** The design's rules about who may know whom, held over every file of the program. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

async function importsOf(path: string): Promise<Import[]> {
  const text = await Deno.readTextFile(join(ROOT, path));
  const pattern =
    /^(?:import|export)\s+(type\s+)?(?:[^;"']*?from\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']/gms;
  return [...text.matchAll(pattern)].map(([, type, target = "", dynamic]) => {
    const to = dynamic ?? target;
    const resolved = to.startsWith(".")
      ? relative(ROOT, new URL(to, `file://${ROOT}${path}`).pathname)
      : to;
    return { from: path, to: resolved, typeOnly: type !== undefined };
  });
}

const all: Import[] = [];
for (const folder of ["actors", "plugins", "lib"]) {
  for await (const path of sources(folder)) all.push(...await importsOf(path));
}
all.push(...await importsOf("main.ts"));

/** Imports that `wrong` names, as lines for the failure. */
function offences(wrong: (each: Import) => boolean): string[] {
  return all.filter(wrong).map(({ from, to }) => `${from} imports ${to}`);
}

const isAdapter = (path: string) => !path.endsWith("/errors.ts") && isAdapterFile(path);
const isAdapterFile = (path: string) =>
  /^lib\/(db|cache|extract|http|demo|terminal|telegram|config)\b/.test(path) ||
  /^lib\/ai\/(gemini|openai)/.test(path);

Deno.test("the imports of the program were found", () => {
  assert.ok(all.length > 150);
});

Deno.test("the protocol imports nothing at run time", () => {
  assert.deepEqual(
    offences(({ from, typeOnly }) => from === "actors/protocol.ts" && !typeOnly),
    [],
  );
});

Deno.test("actors are pure: xstate, each other, and what does no I/O", () => {
  assert.deepEqual(
    offences(({ from, to, typeOnly }) =>
      from.startsWith("actors/") && !typeOnly &&
      (isAdapter(to) || to.startsWith("plugins/") ||
        (!/^(actors|lib)\//.test(to) && to !== "xstate"))
    ),
    [],
  );
});

Deno.test("actors touch no run-time of their own", async () => {
  for await (const path of sources("actors")) {
    const text = await Deno.readTextFile(join(ROOT, path));
    assert.doesNotMatch(text, /\bDeno\.|\bfetch\(|\bsetTimeout\(/, path);
  }
});

Deno.test("adapters know no actor", () => {
  const runsActors = new Set(["lib/running.ts"]);
  assert.deepEqual(
    offences(({ from, to, typeOnly }) =>
      from.startsWith("lib/") && to.startsWith("actors/") && !typeOnly && !runsActors.has(from)
    ),
    [],
  );
});

Deno.test("plugins know the plugin API, the words of the program and parsing libraries", () => {
  const allowed =
    /^(plugins\/|actors\/protocol\.ts$|lib\/(library|tables|at_once)\.ts$|lib\/texts\/|lib\/ai\/(addresses|answer_key|citations|document_parts|evidence|guard|history|place|provider|spoken_text|terms_prompt)\.ts$|lib\/ai\/table_prompt\.ts$|lib\/extract\/(?!child|reader|sandbox|process|models)\w+\.ts$)/;
  const parsing =
    /^(@hyzyla\/pdfium|@e965\/xlsx|@kenjiuno\/msgreader|mammoth|papaparse|pdf-lib|postal-mime|word-extractor|node:(buffer|timers\/promises)$)/;
  assert.deepEqual(
    offences(({ from, to }) =>
      from.startsWith("plugins/") && !allowed.test(to) && !parsing.test(to)
    ),
    [],
  );
});

Deno.test("only the adapter of a vendor knows its library", () => {
  const owners: Record<string, RegExp> = {
    "@google/generative-ai": /^lib\/ai\/gemini\.ts$/,
    openai: /^lib\/ai\/openai\.ts$/,
    ioredis: /^lib\/cache\/redis\.ts$/,
    "pg-boss": /^lib\/telegram\/update_queue\.ts$/,
    "@electric-sql/pglite-pgvector": /^lib\/db\/embedded_worker\.ts$/,
    "@electric-sql/pglite": /^lib\/db\/embedded_worker\.ts$/,
    "prom-client": /^lib\/metrics/,
    mediabunny: /^lib\/audio\/remux\.ts$/,
    hono: /^lib\/(http|demo)\//,
    grammy: /^lib\/telegram\//,
  };
  assert.deepEqual(
    offences(({ from, to, typeOnly }) => {
      const owner = owners[to];
      return owner !== undefined && !typeOnly && !owner.test(from);
    }),
    [],
  );
});

Deno.test("nothing but the entry point knows everything", () => {
  assert.deepEqual(offences(({ to }) => to === "main.ts"), []);
});
