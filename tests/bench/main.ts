/**
 * The benchmarks: `deno task bench [--json FILE] [--only NAME] [--minutes N] [PDF…]`. Speeds as
 * ratios side by side in one run, since one machine's milliseconds say little
 * about another's. PDFs are read beside those that the benchmark makes.
 */
import { parseArgs } from "node:util";
import { benchAsk } from "./ask.ts";
import { benchCachedAnswer } from "./cached_answer.ts";
import { benchExtraction } from "./extraction.ts";
import { benchFormats } from "./formats.ts";
import { benchMemory } from "./memory.ts";
import type { Row } from "./measure.ts";
import { benchSearch } from "./search.ts";
import { benchLoad } from "./load.ts";
import { benchStartup } from "./startup.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    only: { type: "string" },
    minutes: { type: "string", default: "2" },
  },
});
const benches = {
  ask: benchAsk,
  extraction: benchExtraction,
  formats: () => benchFormats(positionals),
  cached: benchCachedAnswer,
  search: benchSearch,
  load: benchLoad,
  memory: () => benchMemory(Number(values.minutes)),
  startup: benchStartup,
};
const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (values.only === undefined || values.only === name) rows.push(...await bench());
}

if (rows.length > 0) printTable();
if (values.json !== undefined) {
  await Deno.writeTextFile(values.json, JSON.stringify({ at: new Date(), rows }, null, 2));
}
Deno.exit();

function printTable(): void {
  const width = Math.max(...rows.map(({ name }) => name.length));
  console.log(`| ${"measured".padEnd(width)} | median | 95 % | beside |`);
  console.log(`| ${"-".repeat(width)} | ---: | ---: | --- |`);
  for (const { name, unit, median, p95, beside } of rows) {
    const cells = [median, p95].map((value) =>
      `${value < 100 ? value.toPrecision(3) : Math.round(value)} ${unit}`
    );
    console.log(`| ${name.padEnd(width)} | ${cells.join(" | ")} | ${beside ?? ""} |`);
  }
}
