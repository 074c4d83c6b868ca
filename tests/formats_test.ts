/**
 * Real files of each format through the real sandbox: the words that a person
 * sees in them are found, and where. The files of LibreOffice are made by
 * `files/make.sh` from the sources beside it.
 */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { createSandbox } from "../lib/extract/sandbox.ts";
import type { Extracted, Passage, Unit } from "../lib/library.ts";
import { MODEL_FOLDERS } from "../lib/extract/models.ts";
import { makeMessage } from "./support/outlook.ts";
import { encodeAs, makeZip } from "./support/files.ts";

const never = new AbortController().signal;
const sandbox = createSandbox({ size: 1, timeoutMs: 60_000 });
const encode = (text: string) => new TextEncoder().encode(text);

async function readBytes(name: string, bytes: Uint8Array): Promise<Extracted> {
  return await sandbox.extract({ name, bytes, depth: 0, onScanned() {} }, never);
}

async function readFile(name: string): Promise<Extracted> {
  return await readBytes(name, await Deno.readFile(new URL(`./files/${name}`, import.meta.url)));
}

/** The passage that holds a text; line breaks and blanks do not matter. */
function holding({ passages }: Extracted, text: string): Passage {
  const plain = (each: string) => each.replace(/[\s\u00a0]+/g, " ");
  const found = passages.find((passage) => plain(passage.text).includes(text));
  assert.ok(found, `"${text}" in: ${passages.map((each) => each.text).join("\n---\n")}`);
  return found;
}

function rowsOf({ tables }: Extracted, n: number): unknown[][] {
  const lines = gunzipSync(tables[n]?.data ?? new Uint8Array()).toString().trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

const CONTRACTS: [file: string, format: string, unit: Unit, headings: boolean, tables: boolean][] =
  [
    ["contract.html", "html", "part", true, true],
    ["contract.odt", "odt", "part", true, true],
    ["contract.docx", "docx", "part", true, true],
    ["contract.rtf", "rtf", "part", true, true],
    ["contract.doc", "doc", "part", false, true],
    ["contract.epub", "epub", "chapter", false, false],
    ["contract.pdf", "pdf", "page", false, false],
  ];

for (const [file, format, unit, hasHeadings, hasTables] of CONTRACTS) {
  Deno.test(`the contract as ${format}: its words in both languages, where they stand`, async () => {
    const read = await readFile(file);
    assert.deepEqual([read.format, read.unit, read.pages], [format, unit, 1]);
    const object = holding(read, "маяк на мысе Зимний");
    if (hasHeadings) assert.deepEqual(object.heading, ["Договор аренды маяка", "Предмет договора"]);
    assert.equal(object.page, 1);
    holding(read, "sixty days' written notice. The café");
    if (hasTables) holding(read, "Июнь | 45 500 | 10 %");
    else holding(read, "45 500");
  });
}

for (const file of ["sales.xlsx", "sales.xls", "sales.ods"]) {
  Deno.test(`the workbook as ${file}: sheets, ranges, headers, dates and numbers`, async () => {
    const read = await readFile(file);
    assert.deepEqual([read.unit, read.pages], ["sheet", 2]);
    const sale = holding(read, '29.02.2024 | Москва | Бакен "Север" | 1 | 15,000.00');
    assert.deepEqual([sale.page, sale.heading], [1, ["Продажи", "A1:E4"]]);
    assert.match(sale.text, /^Дата \| Город \| Товар \| Количество \| Цена\n/);
    const diver = holding(read, "John Walrus | diver | 30.11.2021 | 50%");
    assert.deepEqual([diver.page, diver.heading], [2, ["Staff", "A3:D5"]]);
    assert.deepEqual(read.tables[0]?.columns.map(({ name, type }) => `${name}: ${type}`), [
      "Дата: date",
      "Город: text",
      "Товар: text",
      "Количество: number",
      "Цена: number",
    ]);
    assert.deepEqual(rowsOf(read, 0)[1], [3, "2024-02-03", "Казань", "Трос, 20 м", 10, 99.9]);
    assert.deepEqual(rowsOf(read, 1)[1], [5, "John Walrus", "diver", "2021-11-30", 0.5]);
  });
}

for (const file of ["slides.pptx", "slides.odp"]) {
  Deno.test(`the slides as ${file}: titles, tables and notes`, async () => {
    const read = await readFile(file);
    assert.deepEqual([read.unit, read.pages], ["slide", 2]);
    assert.deepEqual(holding(read, "Visible from eighteen miles").heading, ["Маяк в цифрах"]);
    assert.equal(holding(read, "Рассказать про шторм 1911 года").page, 1);
    const oil = holding(read, "1910 | 4 320");
    assert.deepEqual([oil.page, oil.heading], [2, ["Lamps and oil"]]);
  });
}

Deno.test("a CSV in the encodings and dialects of the world", async () => {
  const rows = [["Город", "Сумма"], ["Москва", "1 234,50"], ["Санкт-Петербург, центр", "99,00"]];
  const semicolons = rows.map((row) => row.join(";")).join("\r\n");
  const tabs = rows.map((row) => row.join("\t")).join("\n");
  const commas = rows.map((row) => row.map((cell) => `"${cell}"`).join(",")).join("\n");
  const files: [string, Uint8Array][] = [
    ["a.csv", encodeAs("windows-1251", semicolons)],
    ["a.csv", encode(`\ufeff${semicolons}`)],
    ["a.tsv", encode(tabs)],
    ["a.csv", encode(commas)],
    ["a.csv", encode(`sep=;\n${semicolons}`)],
  ];
  for (const [name, bytes] of files) {
    const read = await readBytes(name, bytes);
    assert.deepEqual([read.format, read.unit], ["csv", "sheet"]);
    holding(read, "Санкт-Петербург, центр | 99,00");
    assert.deepEqual(rowsOf(read, 0).map((row) => row.slice(1)), [
      ["Москва", 1234.5],
      ["Санкт-Петербург, центр", 99],
    ]);
  }
});

Deno.test("a PDF of two columns is read down the one and then the other, a table row by row", async () => {
  const { PDFDocument, StandardFonts } = await import("pdf-lib");
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.TimesRoman);
  const page = pdf.addPage([595, 842]);
  const write = (text: string, x: number, y: number) =>
    page.drawText(text, { x, y, size: 11, font });
  const columns = [
    ["The lamp was lit at", "dusk and burned until", "the keeper put it out."],
    ["Visitors climbed the", "tower on Sundays and", "left by the last boat."],
  ];
  for (const [n, lines] of columns.entries()) {
    for (const [m, line] of lines.entries()) write(line, 50 + n * 260, 780 - m * 14);
  }
  const rows = [["Year", "Oil", "Boats"], ["1910", "4 320", "17"], ["1911", "4 505", "21"]];
  for (const [n, cells] of rows.entries()) {
    for (const [m, cell] of cells.entries()) write(cell, 50 + m * 120, 600 - n * 18);
  }
  const read = await readBytes("a.pdf", await pdf.save());
  const text = holding(read, "lit at dusk and burned until the keeper put it out.").text;
  holding(read, "climbed the tower on Sundays and left by the last boat.");
  assert.match(text, /^1911 4 505 21$/m);
});

Deno.test("a page of the web without the tags that may be left out", async () => {
  const page = "<!doctype html><title>Маяк</title><script>x < 1</script><p>Огонь горит<p>до утра";
  const read = await readBytes("a.html", encode(page));
  assert.equal(read.format, "html");
  assert.equal(holding(read, "Огонь горит").text, "Маяк\n\nОгонь горит\n\nдо утра");
  const open = await readBytes("a.html", encode("<html><head><title>T</title><body>Lit at dusk"));
  holding(open, "Lit at dusk");
});

Deno.test("a letter: its headers, its text, and its attachments as files", async () => {
  const letter = [
    "From: =?koi8-r?B?7cnIwcnM?= <m@example.org>",
    "To: ada@example.org",
    "Subject: =?utf-8?B?0JzQsNGP0Lo=?=",
    "Date: Tue, 12 Mar 2024 10:00:00 +0300",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="x"',
    "",
    "--x",
    "Content-Type: text/plain; charset=windows-1251",
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "=CA=EB=FE=F7=E8 =F3 =EA=EE=F2=EB=E0.",
    "--x",
    'Content-Type: text/plain; name="../../etc/notes.txt"',
    'Content-Disposition: attachment; filename="../../etc/notes.txt"',
    "",
    "Notes.",
    "--x--",
  ].join("\r\n");
  const read = await readBytes("a.eml", encode(letter));
  assert.equal(read.format, "eml");
  holding(read, "From: Михаил <m@example.org>");
  holding(read, "Subject: Маяк");
  holding(read, "Ключи у котла.");
  assert.deepEqual(read.files.map(({ name }) => name), ["notes.txt"]);
});

Deno.test("an Outlook message: its headers, its text, and its attachments", async () => {
  const message = await makeMessage({
    subject: "Маяк",
    sender: "Нина Петрова",
    body: "Ключи висят у котла.\r\n\r\nThe keys are by the boiler.",
    attachment: { name: "план.txt", bytes: encode("Third floor.") },
  });
  const read = await readBytes("a.msg", message);
  assert.equal(read.format, "msg");
  holding(read, "Subject: Маяк");
  holding(read, "From: Нина Петрова");
  holding(read, "Ключи висят у котла. The keys are by the boiler.");
  assert.deepEqual(read.files, [{ name: "план.txt", bytes: encode("Third floor.") }]);
});

Deno.test("JSON and XML as text, also without a line end", async () => {
  const json = JSON.stringify({ маяк: { высота: 23, огни: Array(500).fill("белый огонь") } });
  holding(await readBytes("a.json", encode(json)), '"высота": 23');
  const xml = `<?xml version="1.0"?><тест>${
    "<огонь>белый</огонь>".repeat(500)
  }<мыс>Зимний</мыс></тест>`;
  holding(await readBytes("a.xml", encode(xml)), "<мыс>Зимний</мыс>");
});

Deno.test("an archive gives its files, under names without a way out of it", async () => {
  const zip = makeZip({
    "папка/договор.txt": "a",
    "../../../etc/cron.d/evil.txt": "b",
    "C:\\Windows\\notes.txt": "c",
    "__MACOSX/._x": "noise",
    "empty/": "",
  });
  const read = await readBytes("a.zip", zip);
  assert.deepEqual(read.passages, []);
  assert.deepEqual(read.files.map(({ name }) => name), ["договор.txt", "evil.txt", "notes.txt"]);
});

Deno.test("a scanned page in English", async () => {
  const read = await readFile("scan_en.jpg");
  assert.deepEqual([read.format, read.unit, read.pages, read.unread], ["image", "page", 1, 0]);
  holding(read, "sound the horn twice before passing the lighthouse");
});

const hasRussian = MODEL_FOLDERS.some((folder) => {
  try {
    return Deno.statSync(`${folder}/rus.traineddata`).isFile;
  } catch {
    return false;
  }
});

Deno.test({
  name: `a scanned page in Russian${
    hasRussian ? "" : ": skipped, tesseract-ocr-rus is not installed"
  }`,
  ignore: !hasRussian,
  async fn() {
    const read = await readFile("scan_ru.jpg");
    holding(read, "обязуется зажигать огонь каждый вечер");
  },
});

globalThis.addEventListener("unload", () => void sandbox.close());
