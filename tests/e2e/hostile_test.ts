/**
 * Hostile files sent to a bot in a process of its own, all at once, while
 * somebody else asks: everybody is told, and the bot's memory stays in bounds.
 */
import assert from "node:assert/strict";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { makeDocx, makePdf, makeZipOf, repeated } from "../support/files.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { TOKEN } from "../support/world.ts";

const MAX_MEMORY_MB = 600;
const ANSWER_MS = 5_000;

Deno.test({
  name: "hostile files at once: memory stays below 600 MB, and other users are answered",
  ignore: missingServices !== undefined || Deno.build.os !== "linux",
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const server = await startBotApiServer({ token: TOKEN });
    try {
      await using bot = startProcess(["start"], {
        BOT_TOKEN: TOKEN,
        BOT_API_ROOT: server.url,
        DATA_DIR: folder.path,
        DATABASE_URL: services.url,
        REDIS_URL: services.redisUrl,
        USER_RATE_PER_MIN: "0",
        PORT: "0",
      });
      await bot.logged(/Ready in \d+ ms/);
      const reader = server.user({ id: 1, firstName: "Reader", languageCode: "en" });
      reader.sendFile(await sampleFile("en"));
      await reader.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));

      const files = await hostileFiles();
      const senders = files.map(([name, bytes], n) => {
        const user = server.user({ id: 100 + n, firstName: "Eve", languageCode: "en" });
        user.sendFile({ name, bytes, mimeType: "application/octet-stream" });
        const ended = /cannot use|is ready/;
        return user.waitFor((all) => ended.test(all.at(-1)?.text ?? ""), 120_000);
      });
      const told = Promise.all(senders);
      let isOver = false;
      told.finally(() => isOver = true).catch(() => {});
      let questions = 0;
      while (!isOver) {
        const before = reader.messages().length;
        reader.sendText(`What notice period applies to engagement number ${++questions}?`);
        const messages = await reader.waitFor((all) => all.length >= before + 2, ANSWER_MS);
        assert.match(messages.at(-1)?.text ?? "", /three months' notice/);
      }
      const ends = (await told).map((messages) => messages.at(-1)?.text ?? "");
      for (const [n, [name]] of files.entries()) {
        const expected = name.startsWith("good") ? /is ready/ : /cannot use/;
        assert.match(ends[n] ?? "", expected, `${name}: ${ends[n]}`);
      }
      assert.ok(questions > 5, `${questions} questions were answered meanwhile`);
      const peak = await peakMemoryMb(bot.pid);
      assert.ok(peak < MAX_MEMORY_MB, `${peak} MB at the most`);
    } finally {
      await server.close();
    }
  },
});

async function hostileFiles(): Promise<[name: string, bytes: Uint8Array][]> {
  const encode = (text: string) => new TextEncoder().encode(text);
  const rows = Array.from({ length: 600_000 }, (_, n) => `${n};Казань;${n % 97}`);
  const words = Array.from({ length: 400 }, (_, n) => `word${n}`).join(" ");
  const bomb = repeated("<w:p><w:r><w:t>bomb</w:t></w:r></w:p>\n".repeat(20_000), 1_500);
  return [
    ["bomb.docx", await makeZipOf({ "word/document.xml": bomb }, 1_000)],
    ["good-rows.csv", encode(`№;Город;Сумма\n${rows.join("\n")}`)],
    ["nested.docx", makeDocx("<w:tbl><w:tr><w:tc>".repeat(30_000))],
    ["good-long.pdf", await makePdf(Array.from({ length: 2_000 }, (_, n) => `Page ${n} of it`))],
    ["good-novel.txt", encode(`${words}\n`.repeat(3_000))],
    ["endless.txt", encode("All work and no play. ".repeat(900_000))],
    ["noise.pdf", crypto.getRandomValues(new Uint8Array(60_000))],
    ["cut.pdf", (await makePdf(["x"])).slice(0, 300)],
  ];
}

/** The most memory that a process has had at once, in megabytes. */
async function peakMemoryMb(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/status`] }).output();
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(new TextDecoder().decode(stdout)) ?? [];
  return Math.round(Number(kilobytes) / 1_024);
}
