/**
 * Files that are made to hurt, through the real sandbox: each ends within its
 * time in a reason that can be told, and the next file is read all the same.
 */
import assert from "node:assert/strict";
import { createSandbox } from "../lib/extract/sandbox.ts";
import { MAX_FILES } from "../lib/extract/inner_files.ts";
import { DocumentRefusedError, type Extracted, type RefusalReason } from "../lib/library.ts";
import { makeDocx, makePdf, makeZip, makeZipOf, paragraph, repeated } from "./support/files.ts";
import { makeContainer } from "./support/outlook.ts";
import { loopingPdf } from "./support/hostile_pdf.ts";

const TIMEOUT_MS = 30_000;
const never = new AbortController().signal;
const sandbox = createSandbox({ size: 1, timeoutMs: TIMEOUT_MS });
globalThis.addEventListener("unload", () => void sandbox.close());
const encode = (text: string) => new TextEncoder().encode(text);

async function read(name: string, bytes: Uint8Array, depth = 0): Promise<Extracted> {
  return await sandbox.extract({ name, bytes, depth, onScanned() {} }, never);
}

/** Refused for one of these reasons, and a plain file is read right after it. */
async function refused(
  name: string,
  bytes: Uint8Array,
  reasons: readonly RefusalReason[],
  depth = 0,
): Promise<void> {
  const begun = performance.now();
  await assert.rejects(read(name, bytes, depth), (error) => {
    assert.ok(error instanceof DocumentRefusedError, String(error));
    assert.ok(reasons.includes(error.reason), `${name}: ${error.message} (${error.reason})`);
    return true;
  });
  assert.ok(performance.now() - begun < TIMEOUT_MS + 5_000);
  assert.equal((await read("a.txt", encode("fine"))).format, "text");
}

async function fixture(name: string): Promise<Uint8Array> {
  return await Deno.readFile(new URL(`./files/${name}`, import.meta.url));
}

const WORKBOOK = {
  "xl/workbook.xml":
    '<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
  "xl/_rels/workbook.xml.rels":
    '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
};

Deno.test("files that are cut off are refused as damaged, or read as far as they go", async (t) => {
  const files = ["contract.docx", "contract.odt", "contract.epub", "contract.doc", "contract.pdf"];
  for (
    const name of [...files, "sales.xlsx", "sales.xls", "sales.ods", "slides.pptx", "scan_en.jpg"]
  ) {
    await t.step(name, async () => {
      const bytes = await fixture(name);
      for (const share of [0.1, 0.6]) {
        const cut = bytes.slice(0, Math.floor(bytes.length * share));
        await read(name, cut).then(
          ({ passages }) => assert.ok(passages.length > 0),
          (error) => {
            assert.ok(error instanceof DocumentRefusedError, String(error));
            const fine = ["damaged", "empty", "no_text", "unsupported", "unreadable"];
            assert.ok(fine.includes(error.reason), `${name}: ${error.reason}`);
          },
        );
      }
    });
  }
});

Deno.test("files with a password say so", async () => {
  await refused("locked.pdf", await fixture("locked.pdf"), ["encrypted"]);
  const office = await makeContainer({ "/EncryptedPackage": new Uint8Array(5_000) });
  await refused("locked.docx", office, ["encrypted"]);
  const zip = makeZip({ "a.txt": "secret" });
  // The flag that tells of a password, in the local header and in the directory.
  const directory = zip.findLastIndex((_, at) => zip[at] === 0x50 && zip[at + 2] === 0x01);
  zip[6] = 1;
  zip[directory + 8] = 1;
  await refused("locked.zip", zip, ["encrypted"]);
  const odt = makeZip({
    mimetype: "application/vnd.oasis.opendocument.text",
    "META-INF/manifest.xml": "<manifest:encryption-data/>",
    "content.xml": "?",
  });
  await refused("locked.odt", odt, ["encrypted"]);
});

Deno.test("files that hold nothing, or are not what their name says", async () => {
  await refused("a.pdf", new Uint8Array(), ["empty"]);
  await refused("a.txt", encode(" \n\t "), ["empty"]);
  await refused("a.pdf", await makePdf([""]), ["no_text"]);
  await refused("a.docx", makeDocx(""), ["empty"]);
  await refused("a.xlsx", makeZip({ ...WORKBOOK, "xl/worksheets/sheet1.xml": "<worksheet/>" }), [
    "empty",
  ]);
  await refused("noise.pdf", crypto.getRandomValues(new Uint8Array(50_000)), ["unsupported"]);
  assert.equal((await read("a.pdf", await fixture("contract.docx"))).format, "docx");
  assert.equal((await read("a.docx", await fixture("contract.pdf"))).format, "pdf");
  assert.equal((await read("a.jpg", await fixture("sales.xlsx"))).format, "xlsx");
});

Deno.test("archives that inflate to gigabytes are stopped", async (t) => {
  const gigabytes = () => repeated("<w:p><w:r><w:t>bomb</w:t></w:r></w:p>\n".repeat(20_000), 3_000);
  await t.step(
    "a Word document that says so",
    () => refused("a.docx", makeZip({ "word/document.xml": "x" }, 4_000_000_000), ["too_large"]),
  );
  await t.step("a Word document that lies about it", async () => {
    const bomb = await makeZipOf({ "word/document.xml": gigabytes() }, 1_000);
    assert.ok(bomb.length < 40_000_000, `${bomb.length} bytes`);
    await refused("a.docx", bomb, ["too_large"]);
  });
  await t.step("a workbook", async () => {
    const rows = repeated('<row><c t="str"><v>bomb</v></c></row>\n'.repeat(20_000), 3_000);
    const bomb = await makeZipOf({ ...WORKBOOK, "xl/worksheets/sheet1.xml": rows }, 1_000);
    await refused("a.xlsx", bomb, ["too_large", "too_slow", "damaged"]);
  });
  await t.step("an archive", async () => {
    await refused("a.zip", await makeZipOf({ "a.txt": gigabytes() }, 1_000), ["too_large"]);
  });
  await t.step("a picture", async () => {
    await refused("a.png", hugePng(), ["too_complex", "damaged", "too_slow", "unreadable"]);
  });
  await t.step("an archive in an archive in an archive", async () => {
    const inner = makeZip({ "a.txt": "x" });
    await refused("a.zip", inner, ["unsupported"], 2);
  });
  await t.step("an archive of more files than can be taken", async () => {
    const files = Array.from({ length: MAX_FILES + 1 }, (_, n) => [`${n}.txt`, "x"]);
    await refused("a.zip", makeZip(Object.fromEntries(files)), ["too_large"]);
  });
});

Deno.test("XML that is made of entities or of depth", async (t) => {
  const laughs = Array.from(
    { length: 9 },
    (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`,
  ).join("");
  const entities = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">${laughs}]>`;
  const outside = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>';
  for (const [name, head] of [["a billion laughs", entities], ["a file of the system", outside]]) {
    await t.step(name ?? "", async () => {
      const sheet = `${head}<worksheet><row><c t="str"><v>&e9;</v></c></row></worksheet>`;
      await refused("a.xlsx", makeZip({ ...WORKBOOK, "xl/worksheets/sheet1.xml": sheet }), [
        "damaged",
      ]);
      const mimetype = "application/vnd.oasis.opendocument.text";
      const odt = makeZip({ mimetype, "content.xml": `${head}<x><text:p>&e9;</text:p></x>` });
      await refused("a.odt", odt, ["damaged"]);
      const docx = makeZip({ "word/document.xml": `${head}<w:document>&e9;</w:document>` });
      await refused("a.docx", docx, ["damaged", "empty"]);
    });
  }
  await t.step(
    "a Word document of tables within tables",
    () =>
      refused("a.docx", makeDocx("<w:tbl><w:tr><w:tc>".repeat(30_000)), [
        "too_complex",
        "damaged",
        "empty",
      ]),
  );
  await t.step("a page of 50,000 elements within each other", async () => {
    const html = `<html>${"<div>".repeat(50_000)}deep down`;
    assert.match((await read("a.html", encode(html))).passages[0]?.text ?? "", /deep down/);
  });
  await t.step("JSON of 200,000 lists within each other", async () => {
    const read_ = await read("a.json", encode(`${"[".repeat(200_000)}1${"]".repeat(200_000)}`))
      .catch((error) => error);
    assert.ok(read_ instanceof DocumentRefusedError || read_.passages.length > 0);
  });
});

Deno.test("a million rows can be asked for, whatever the format", async (t) => {
  await t.step("XLSX", async () => {
    const row = (n: number) =>
      `<row r="${n}"><c r="A${n}"><v>${n}</v></c><c r="B${n}" t="str"><v>Москва</v></c></row>`;
    const header = '<row><c t="str"><v>№</v></c><c t="str"><v>Город</v></c></row>';
    const sheet = (function* () {
      yield encode(`<worksheet><sheetData>${header}`);
      for (let n = 0; n < 1_000; n++) {
        yield encode(Array.from({ length: 1_000 }, (_, m) => row(n * 1_000 + m + 2)).join(""));
      }
      yield encode("</sheetData></worksheet>");
    })();
    const bytes = await makeZipOf({ ...WORKBOOK, "xl/worksheets/sheet1.xml": sheet });
    const { tables } = await read("a.xlsx", bytes);
    assert.deepEqual(tables.map(({ rows }) => rows), [1_000_000]);
  });
  await t.step("CSV", async () => {
    const lines = Array.from({ length: 1_000_000 }, (_, n) => `${n};Казань`);
    const { tables } = await read("a.csv", encode(`№;Город\n${lines.join("\n")}`));
    assert.deepEqual(tables.map(({ rows }) => rows), [1_000_000]);
  });
  await t.step("more than any program has is refused", async () => {
    const csv = `a,b\n${"1,2\n".repeat(1_200_000)}`;
    await refused("a.csv", encode(csv), ["too_large"]);
  });
});

Deno.test("PDFs that are long, loop or lead nowhere", async (t) => {
  await t.step("2,000 pages, each in its place", async () => {
    const pages = Array.from({ length: 2_000 }, (_, n) => `Page number ${n + 1} of the whole`);
    const extracted = await read("a.pdf", await makePdf(pages));
    assert.equal(extracted.pages, 2_000);
    const last = extracted.passages.find(({ text }) => text.includes("number 1999 "));
    assert.equal(last?.page, 1_999);
  });
  await t.step(
    "a tree of pages that holds itself",
    () => refused("a.pdf", loopingPdf("pages"), ["damaged", "no_text", "too_slow", "too_complex"]),
  );
  await t.step(
    "a table of contents that refers to itself",
    () =>
      refused("a.pdf", loopingPdf("references"), ["damaged", "no_text", "too_slow", "too_complex"]),
  );
  await t.step("a page as large as a town", async () => {
    const { PDFDocument } = await import("pdf-lib");
    const pdf = await PDFDocument.create();
    pdf.addPage([14_400, 14_400]).drawRectangle({ x: 10, y: 10, width: 14_000, height: 14_000 });
    await refused("a.pdf", await pdf.save(), ["unreadable"]);
  });
});

Deno.test("macros are not run, and what turns or hides text is taken out", async () => {
  const macros = makeZip({
    ...WORKBOOK,
    "xl/vbaProject.bin": 'Sub Auto_Open(): Shell "rm -rf /": End Sub',
    "xl/worksheets/sheet1.xml":
      '<worksheet><row><c t="str"><v>Маяк</v></c></row><row><c t="str"><v>=HYPERLINK("http://x")</v></c></row></worksheet>',
  });
  assert.match((await read("a.xlsm", macros)).passages[0]?.text ?? "", /Маяк/);
  const text = "A lamp\u202egpj.exe\u202c is\u0007 lit\u0000 at\u200f six\ufeff.\ud800";
  const turned = paragraph("A lamp\u202egpj.exe\u202c is lit at\u200f six.");
  const docx = await read("a.docx", makeDocx(turned));
  assert.equal(docx.passages[0]?.text, "A lampgpj.exe is lit at six.");
  const plain = await read("a.txt", encode(`${"A lamp is lit.\n".repeat(50)}${text}`));
  assert.match(plain.passages.at(-1)?.text ?? "", /A lampgpj\.exe is lit at six\.\ufffd$/);
});

Deno.test("a text without a single blank is cut into passages that fit a prompt", async () => {
  const { passages } = await read("a.txt", encode("QUJD".repeat(250_000)));
  assert.ok(passages.every(({ text }) => text.length <= 20_000));
  assert.equal(passages.reduce((sum, { text }) => sum + text.length, 0), 1_000_000);
});

/** A PNG of 60,000 by 60,000 dots of one colour: 14 GB once it is decoded. */
function hugePng(): Uint8Array {
  const side = 60_000;
  const chunk = (type: string, data: Uint8Array) => {
    const whole = new Uint8Array(12 + data.length);
    new DataView(whole.buffer).setUint32(0, data.length);
    whole.set(encode(type), 4);
    whole.set(data, 8);
    return whole;
  };
  const head = new Uint8Array([...new Uint8Array(8), 8, 6, 0, 0, 0]);
  new DataView(head.buffer).setUint32(0, side);
  new DataView(head.buffer).setUint32(4, side);
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", head),
    chunk("IDAT", Uint8Array.of(0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1)),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
