/** Files through the real sandbox: what is read and where it stands, and what is refused and why. */
import assert from "node:assert/strict";
import { frame, framesOf } from "../lib/extract/frames.ts";
import { createSandbox, type Sandbox } from "../lib/extract/sandbox.ts";
import type { RefusalReason } from "../lib/library.ts";
import { encodeAs, makeDocx, makePdf, makeZip, paragraph } from "./support/files.ts";

const never = new AbortController().signal;
const RUSSIAN =
  "Договор аренды маяка заключён на три года. Ёлка стоит у входа, и её видно с моря. " +
  "Арендатор платит пятьдесят тысяч рублей в месяц.";

async function withSandbox(
  test: (sandbox: Sandbox) => Promise<void>,
  options = { size: 1, timeoutMs: 30_000 },
): Promise<void> {
  const sandbox = createSandbox(options);
  try {
    await test(sandbox);
  } finally {
    await sandbox.close();
  }
}

const file = (name: string, bytes: Uint8Array) => ({ name, bytes, depth: 0, onScanned() {} });
const bytesOf = (text: string) => new TextEncoder().encode(text);
const refusedAs = (reason: RefusalReason) => ({ name: "DocumentRefusedError", reason });

Deno.test("documents are read, with the place of each text", async (t) => {
  await withSandbox(async (sandbox) => {
    const read = (name: string, bytes: Uint8Array) => sandbox.extract(file(name, bytes), never);

    await t.step("a PDF by its pages", async () => {
      const pdf = await makePdf(["The first page.", "A walrus on the second.", "The third."]);
      const { format, unit, pages, passages } = await read("a.pdf", pdf);
      assert.deepEqual([format, unit, pages], ["pdf", "page", 3]);
      assert.equal(passages.find(({ text }) => text.includes("walrus"))?.page, 2);
    });

    await t.step("the content decides, not the name", async () => {
      const pdf = await makePdf(["Not a text."]);
      assert.equal((await read("a.txt", pdf)).format, "pdf");
      assert.equal((await read("a.pdf", bytesOf("Only a text."))).format, "text");
    });

    await t.step("a Word document by its headings, a table row by row", async () => {
      const cell = (text: string) => `<w:tc>${paragraph(text)}</w:tc>`;
      const row = (...cells: string[]) => `<w:tr>${cells.map(cell).join("")}</w:tr>`;
      const table = `<w:tbl>${row("Месяц", "Плата")}${row("Май", "50 000")}</w:tbl>`;
      const body = paragraph("Договор", 1) + paragraph("Плата", 2) + paragraph(RUSSIAN) + table;
      const { format, passages, postings } = await read("a.docx", makeDocx(body));
      assert.equal(format, "docx");
      const passage = passages.find(({ text }) => text.includes("Арендатор"));
      assert.deepEqual(passage?.heading, ["Договор", "Плата"]);
      assert.match(passage?.text ?? "", /Май \| 50 000/);
      assert.ok(postings.some(({ term }) => term === "50000"));
    });

    await t.step("Markdown by its headings", async () => {
      const { passages } = await read("a.md", bytesOf("# One\n\nText.\n\n## Two\n\nA walrus."));
      assert.deepEqual(
        passages.find(({ text }) => text.includes("walrus"))?.heading,
        ["One", "Two"],
      );
    });

    for (const encoding of ["windows-1251", "koi8-r", "ibm866", "iso-8859-5"]) {
      await t.step(`a Russian text in ${encoding}`, async () => {
        const { passages } = await read("a.txt", encodeAs(encoding, RUSSIAN));
        assert.equal(passages[0]?.text, RUSSIAN);
      });
    }

    await t.step("a Russian text in UTF-8 and UTF-16, with and without a mark", async () => {
      const utf16 = new Uint8Array(
        new Uint16Array([...RUSSIAN].map((c) => c.charCodeAt(0))).buffer,
      );
      const forms = [
        bytesOf(RUSSIAN),
        bytesOf(`\ufeff${RUSSIAN}`),
        Uint8Array.of(0xff, 0xfe, ...utf16),
      ];
      for (const bytes of forms) {
        assert.equal((await read("a.txt", bytes)).passages[0]?.text, RUSSIAN);
      }
    });

    await t.step("a text in Latin-1", async () => {
      const text = "Größe, café, naïve: the façade of a résumé.";
      assert.equal((await read("a.txt", encodeAs("windows-1252", text))).passages[0]?.text, text);
    });
  });
});

Deno.test("what cannot be read is refused with the reason", async (t) => {
  await withSandbox(async (sandbox) => {
    const cases: [string, RefusalReason, Uint8Array][] = [
      ["no bytes", "empty", new Uint8Array()],
      ["only blanks", "empty", bytesOf(" \n\t ")],
      ["a PDF that is cut off", "damaged", (await makePdf(["x"])).slice(0, 300)],
      ["a PDF without text", "no_text", await makePdf([""])],
      ["noise", "unsupported", crypto.getRandomValues(new Uint8Array(5_000))],
      [
        "a Word document that says it inflates to gigabytes",
        "too_large",
        makeZip({ "word/document.xml": "x" }, 4_000_000_000),
      ],
      [
        "a Word document nested beyond sense",
        "too_complex",
        makeDocx("<w:tbl><w:tr><w:tc>".repeat(30_000)),
      ],
      ["a Word document without a document", "damaged", makeZip({ "word/document.xml": "<x" })],
    ];
    for (const [name, reason, bytes] of cases) {
      await t.step(`${name}: ${reason}`, async () => {
        await assert.rejects(sandbox.extract(file("file", bytes), never), (error) => {
          const { reason: actual } = error as { reason?: string };
          // A reader that dies of a file and one that sees what is wrong are both right about it.
          const fine = reason === "too_complex" ? ["too_complex", "damaged", "empty"] : [reason];
          assert.ok(actual !== undefined && fine.includes(actual), `${actual}: ${error}`);
          return true;
        });
      });
    }
    await t.step("and the next file is read all the same", async () => {
      assert.equal((await sandbox.extract(file("a.txt", bytesOf("fine")), never)).format, "text");
    });
  });
});

Deno.test("what is said over a pipe is taken whole, in pieces of any size, and within its limit", async () => {
  const said = ["", "a", "маяк", "x".repeat(1_000)].map(bytesOf);
  const bytes = new Uint8Array(said.flatMap((each) => frame(each).flatMap((part) => [...part])));
  for (const size of [1, 3, 100, bytes.length]) {
    const pieces = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, n) => bytes.slice(n * size, (n + 1) * size),
    );
    const heard = await Array.fromAsync(framesOf(ReadableStream.from(pieces), 2_000));
    assert.deepEqual(heard, said, `pieces of ${size}`);
  }
  const all = Array.fromAsync(framesOf(ReadableStream.from([bytes]), 1_000));
  await assert.rejects(all, RangeError, "together they announce more");
});

Deno.test("a file that takes too long is refused, and its reader is ended", async () => {
  await withSandbox(async (sandbox) => {
    const pdf = await makePdf(Array.from({ length: 400 }, (_, n) => `Page ${n} `.repeat(30)));
    await assert.rejects(sandbox.extract(file("a.pdf", pdf), never), refusedAs("too_slow"));
  }, { size: 1, timeoutMs: 60 });
});

Deno.test("a sender who gives up ends the reading at once, and the next file is read", async () => {
  await withSandbox(async (sandbox) => {
    const sender = new AbortController();
    const reading = sandbox.extract(file("a.txt", bytesOf("text")), sender.signal);
    sender.abort(new Error("cancelled"));
    await assert.rejects(reading, /cancelled/);
    assert.equal((await sandbox.extract(file("a.txt", bytesOf("text")), never)).format, "text");
  });
});
