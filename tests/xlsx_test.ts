/**
 * Workbooks made by hand: what their cells show and mean, and what hostile or
 * broken ones come to. Whole documents through the sandbox are tested elsewhere.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cellFormat } from "../lib/extract/cell_format.ts";
import { type Budget, entriesOf, openEntry, readEntry } from "../lib/extract/unzip.ts";
import { columnIn, isWorkbook, openWorkbook } from "../lib/extract/xlsx.ts";
import type { RefusalReason } from "../lib/library.ts";
import { makeZip } from "./support/files.ts";

const LIMITS = { inflatedBytes: 10_000_000, sharedLetters: 1_000_000, cellsPerRow: 100 };
const NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

interface Parts {
  /** Of `xl/worksheets/sheet1.xml`. */
  rows?: string;
  shared?: string;
  styles?: string;
  /** Between `<workbook>` and `<sheets>`. */
  properties?: string;
  files?: Record<string, string>;
}

const sheet = (rows: string) =>
  `<worksheet xmlns="${NAMESPACE}"><sheetData>${rows}</sheetData></worksheet>`;
const relations = (...targets: string[]) =>
  `<Relationships>${
    targets.map((target, n) => `<Relationship Id="r${n + 1}" Target="${target}"/>`).join("")
  }</Relationships>`;
const row = (cells: string, number = 1) => `<row r="${number}">${cells}</row>`;

function partsOf({ rows = "", shared, styles, properties = "", files = {} }: Parts) {
  return {
    "xl/workbook.xml": `<?xml version="1.0"?><workbook xmlns:r="x">${properties}<sheets>` +
      `<sheet name="Лист 1" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations("worksheets/sheet1.xml"),
    "xl/worksheets/sheet1.xml": sheet(rows),
    ...(shared && { "xl/sharedStrings.xml": `<sst>${shared}</sst>` }),
    ...(styles && { "xl/styles.xml": `<styleSheet>${styles}</styleSheet>` }),
    ...files,
  };
}

async function rowsOf(parts: Parts, limits = LIMITS) {
  return await readRows(makeZip(partsOf(parts)), limits);
}

async function readRows(bytes: Uint8Array, limits = LIMITS) {
  const [first] = await openWorkbook(bytes, limits);
  assert.ok(first);
  return await Array.fromAsync(first.rows());
}

/** The cells of one row, as shown. */
async function cellsOf(cells: string, parts: Parts = {}): Promise<readonly string[]> {
  return (await rowsOf({ ...parts, rows: row(cells) }))[0]?.cells ?? [];
}

const refusedAs = (reason: RefusalReason) => ({ name: "DocumentRefusedError", reason });

/** The styles 0, 1, 2 … of these codes. */
function stylesOf(...codes: string[]): string {
  const escaped = codes.map((code) => code.replaceAll('"', "&quot;"));
  const formats = escaped.map((code, n) => `<numFmt numFmtId="${164 + n}" formatCode="${code}"/>`);
  const cells = codes.map((_, n) => `<xf numFmtId="${164 + n}"/>`);
  // Styles of another list must not be counted.
  return `<numFmts>${formats.join("")}</numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>` +
    `<cellXfs>${cells.join("")}</cellXfs>`;
}

Deno.test("cells are read by their kinds", async (t) => {
  await t.step("shared texts, without how they are pronounced", async () => {
    const shared =
      `<si><t>Молоко</t></si><si/><si><r><rPr><b/></rPr><t xml:space="preserve">Масло ` +
      `</t></r><r><t><![CDATA[<82%>]]></t></r><rPh sb="0" eb="1"><t>マスロ</t></rPh></si>`;
    const cells = [0, 1, 2, 9, -1].map((n) => `<c t="s"><v>${n}</v></c>`).join("");
    const [first] = await rowsOf({ rows: row(cells), shared });
    assert.deepEqual(first?.cells, ["Молоко", "", "Масло <82%>", "", ""]);
    assert.deepEqual(first?.values, ["Молоко", null, "Масло <82%>", null, null]);
  });

  await t.step("shared texts one million of which would be long", async () => {
    const texts = Array.from({ length: 9_000 }, (_, n) => `Строка ${n} 😀`);
    const shared = texts.map((text) => `<si><t>${text}</t></si>`).join("");
    const rows = texts.map((_, n) => row(`<c t="s"><v>${n}</v></c>`, n + 1)).join("");
    const read = await rowsOf({ rows, shared });
    assert.deepEqual(read.map(({ cells }) => cells[0]), texts);
  });

  await t.step("texts in the cell, results of formulas, truths and errors", async () => {
    const [first] = await rowsOf({
      rows: row(
        `<c t="inlineStr"><is><r><t>Сы</t></r><r><t>р</t></r><rPh><t>シル</t></rPh></is></c>` +
          `<c t="str"><f>A1&amp;"!"</f><v>Сыр! &lt;&#x451;&gt;</v></c><c><f>1+1</f><v>2</v></c>` +
          `<c t="b"><v>1</v></c><c t="b"><v>0</v></c><c t="e"><v>#DIV/0!</v></c>` +
          `<c t="d"><v>2024-03-31T00:00:00</v></c><c t="d"><v>2024-03-31T12:30:00.000Z</v></c>` +
          `<c t="str"><v>одна_x000A_две</v></c><c><v>странно</v></c>`,
      ),
    });
    const dates = ["2024-03-31", "2024-03-31 12:30:00"];
    const texts = ["одна\nдве", "странно"];
    assert.deepEqual(
      first?.cells,
      ["Сыр", "Сыр! <ё>", "2", "TRUE", "FALSE", "#DIV/0!", ...dates, ...texts],
    );
    assert.deepEqual(
      first?.values,
      ["Сыр", "Сыр! <ё>", 2, true, false, "#DIV/0!", ...dates, ...texts],
    );
  });

  await t.step("a text that is longer than a cell can be is cut", async () => {
    const [cell = ""] = await cellsOf(`<c t="str"><v>${"я".repeat(40_000)}</v></c>`);
    assert.equal(cell.length, 32_767);
  });
});

Deno.test("cells stand where their references say", async (t) => {
  await t.step("gaps are filled, also before and without references", async () => {
    const rows = row(`<c r="C5"><v>1</v></c><c><v>2</v></c><c r="G5"><v>3</v></c>`, 5) +
      `<row><c><v>4</v></c><c/><c r="?"><v>5</v></c></row>` + row("", 9) +
      row(`<c r="B10" s="3"/>`, 10) + `<row r="нет"><c r="A1"><v>6</v></c></row>`;
    const read = await rowsOf({ rows });
    assert.deepEqual(
      read.map(({ number, cells }) => [number, ...cells]),
      [[5, "", "", "1", "2", "", "", "3"], [6, "4", "", "5"], [11, "6"]],
    );
    assert.deepEqual(read[0]?.values, [null, null, 1, 2, null, null, 3]);
  });

  await t.step("what stands too far to the right is left out", async () => {
    const far = `<c r="CV1"><v>1</v></c><c r="CW1"><v>2</v></c><c r="XFD1"><v>3</v></c>` +
      `<c r="ZZZZZZZZZZZZ1"><v>4</v></c>`;
    const cells = await cellsOf(far);
    assert.equal(cells.length, 100);
    assert.equal(cells[99], "1");
  });

  await t.step("a reference names its column", () => {
    const letters = fc.stringMatching(/^[A-Z]{1,3}$/);
    fc.assert(fc.property(letters, fc.nat(), (name, number) => {
      const digits = [...name].map((letter) => letter.charCodeAt(0) - 64);
      assert.equal(columnIn(`${name}${number}`), digits.reduce((sum, n) => sum * 26 + n) - 1);
    }));
    assert.deepEqual(["A1", "Z9", "AA1", "XFD1048576"].map(columnIn), [0, 25, 26, 16_383]);
    assert.equal(columnIn("12"), -1);
  });
});

Deno.test("sheets are found as the workbook names them", async (t) => {
  const cell = (text: string) => sheet(row(`<c t="str"><v>${text}</v></c>`));

  await t.step("visible ones, in order, at relative and absolute addresses", async () => {
    const workbook =
      `<sheets><sheet name="Б" r:id="r2"/><sheet name="т" state="hidden" r:id="r1"/>` +
      `<sheet name="т" state="veryHidden" r:id="r1"/><sheet name="А &amp; Я" r:id="r3"/></sheets>`;
    const bytes = makeZip({
      "xl/workbook.xml": `<workbook xmlns:r="x">${workbook}</workbook>`,
      "xl/_rels/workbook.xml.rels": relations(
        "worksheets/s1.xml",
        "/xl/worksheets/s2.xml",
        "s3.xml",
      ),
      "xl/worksheets/s1.xml": cell("тайна"),
      "xl/worksheets/s2.xml": cell("второй"),
      "xl/s3.xml": cell("третий"),
    });
    assert.ok(isWorkbook(bytes));
    const sheets = await openWorkbook(bytes, LIMITS);
    assert.deepEqual(sheets.map(({ name }) => name), ["Б", "А & Я"]);
    // Each can be read again, and in any order.
    for (const n of [1, 0, 1]) {
      const rows = await Array.fromAsync(sheets[n]?.rows() ?? []);
      assert.deepEqual(rows[0]?.cells, [n === 0 ? "второй" : "третий"]);
    }
  });

  await t.step("whatever prefixes their writer chose", async () => {
    const rows = `<x:row r="2"><x:c r="B2" t="s"><x:v>0</x:v></x:c></x:row>`;
    const read = await readRows(makeZip({
      "xl/workbook.xml": `<x:workbook xmlns:x="${NAMESPACE}" xmlns:rel="y"><x:sheets>` +
        `<x:sheet name="Лист" sheetId="1" rel:id="r1"/></x:sheets></x:workbook>`,
      "xl/_rels/workbook.xml.rels": `<p:Relationships xmlns:p="z">` +
        `<p:Relationship Id="r1" Target="worksheets/sheet1.xml"/></p:Relationships>`,
      "xl/sharedStrings.xml": `<x:sst xmlns:x="y"><x:si><x:t>Да</x:t></x:si></x:sst>`,
      "xl/worksheets/sheet1.xml":
        `\ufeff<x:worksheet xmlns:x="${NAMESPACE}"><x:sheetData>${rows}</x:sheetData></x:worksheet>`,
    }));
    assert.deepEqual(read, [{ number: 2, cells: ["", "Да"], values: [null, "Да"] }]);
  });

  await t.step("reading can end early", async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => row(`<c><v>${n}</v></c>`, n + 1));
    const bytes = await deflatedWorkbook(rows);
    const budget = { ...LIMITS };
    for (const { rows } of await openWorkbook(bytes, budget)) {
      for await (const { number } of rows()) if (number === 3) break;
    }
    assert.equal((await readRows(bytes)).length, 20_000);
  });
});

Deno.test("dates and times are shown by their formats and read as ISO texts", async (t) => {
  const both = (value: number, id: number, code?: string, is1904 = false) => {
    const format = cellFormat(id, code, is1904);
    assert.ok(format.isDate, code);
    return [format.show(value), format.read(value)];
  };
  const MOMENT = 45_382.520_833_333_3;

  await t.step("built-in ones", () => {
    const expected: [number, string, string][] = [
      [14, "2024-03-31", "2024-03-31 12:30:00"],
      [15, "31-Mar-24", "2024-03-31 12:30:00"],
      [16, "31-Mar", "2024-03-31 12:30:00"],
      [17, "Mar-24", "2024-03-31 12:30:00"],
      [18, "12:30", "12:30:00"],
      [19, "12:30:00", "12:30:00"],
      [20, "12:30", "12:30:00"],
      [21, "12:30:00", "12:30:00"],
      [22, "2024-03-31 12:30", "2024-03-31 12:30:00"],
      [45, "30:00", "12:30:00"],
      [46, "1089180:30:00", "1089180:30:00"],
      [47, "30:00", "12:30:00"],
    ];
    for (const [id, ...texts] of expected) assert.deepEqual(both(MOMENT, id), texts, String(id));
  });

  await t.step("custom ones", () => {
    const expected: [string, string][] = [
      ["dd.mm.yyyy", "31.03.2024"],
      ["DD.MM.YY;@", "31.03.24"],
      ["dd/mm/yyyy\\ hh:mm:ss", "31/03/2024 12:30:00"],
      ['[$-419]d mmmm yyyy" г.";@', "31 марта 2024 г."],
      ["[$-FC19]dd mmm yyyy", "31 мар 2024"],
      ["[$-409]dddd, mmmm d, yyyy", "Sunday, March 31, 2024"],
      ["h:mm AM/PM", "12:30 PM"],
      ['[Red]hh"ч"mm"м"', "12ч30м"],
      ["[$-F400]h:mm:ss", "12:30:00"],
      ["mm-dd-yy", "03-31-24"],
      ["mmmmm", "M"],
      ["m/d", "3/31"],
    ];
    for (const [code, text] of expected) assert.equal(both(MOMENT, 164, code)[0], text, code);
    assert.deepEqual(both(49 / 24, 164, "[h]:mm"), ["49:00", "49:00:00"]);
    assert.deepEqual(both(1 / 16, 164, "[mm]:ss"), ["90:00", "01:30:00"]);
  });

  await t.step("from both calendars, up to their ends", () => {
    assert.equal(both(1, 14)[0], "1900-01-01");
    assert.equal(both(59, 14)[0], "1900-02-28");
    assert.equal(both(61, 14)[0], "1900-03-01");
    assert.equal(both(0, 14, undefined, true)[0], "1904-01-01");
    assert.equal(both(45_382 - 1_462, 14, undefined, true)[1], "2024-03-31");
    assert.equal(both(2_958_465, 14)[0], "9999-12-31");
    assert.deepEqual(both(2_958_466, 14), ["2958466", 2_958_466]);
    assert.deepEqual(both(-1, 14), ["-1", -1]);
    // Parts of a second never make an hour that is not there.
    assert.equal(both(45_382.999_999_9, 22)[0], "2024-04-01 0:00");
  });

  await t.step("every day of the calendar", () => {
    fc.assert(fc.property(fc.integer({ min: 61, max: 2_958_465 }), (day) => {
      const [shown, read] = both(day, 164, "dd.mm.yyyy");
      const [y, m, d] = String(read).split("-");
      assert.equal(shown, `${d}.${m}.${y}`);
      assert.equal(Date.parse(String(read)), (day - 25_569) * 86_400_000);
    }));
  });

  await t.step("in a workbook with either calendar", async () => {
    const styles = stylesOf("General", "dd.mm.yyyy");
    const cell = `<c s="1"><v>43920</v></c><c s="0"><v>43920</v></c><c s="99"><v>1</v></c>`;
    const properties = `<workbookPr date1904="1"/>`;
    assert.deepEqual(await cellsOf(cell, { styles }), ["30.03.2020", "43920", "1"]);
    assert.deepEqual(await cellsOf(cell, { styles, properties }), ["31.03.2024", "43920", "1"]);
  });
});

Deno.test("numbers are shown by their formats", async (t) => {
  const shown = (value: number, code?: string, id = 164) => {
    const format = cellFormat(id, code, false);
    assert.equal(format.isDate, false, code);
    assert.equal(format.read(value), value);
    return format.show(value);
  };

  await t.step("decimals, thousands, percents, leading zeros, units", () => {
    const expected: [number, string | undefined, string][] = [
      [1_234.5, "#,##0.00", "1,234.50"],
      [1_234_567, "# ##0", "1,234,567"],
      [1.005, "0.00", "1.01"],
      [-0.001, "0.0", "0.0"],
      [0.175, "0.0%", "17.5%"],
      [0.07, "0%", "7%"],
      [42, "00000", "00042"],
      [7_701_234_567, "000000000000", "007701234567"],
      [1_234.5, '#,##0.00\\ "₽"', "1,234.50 ₽"],
      [1_234.5, "#,##0.00\\ [$₽-419]", "1,234.50 ₽"],
      [-5, '"$"#,##0', "-$5"],
      [5, "[$-409]#,##0", "5"],
      [5, "[$€-2]\\ #,##0", "€ 5"],
      [1_234.5, '_-* #,##0.00\\ "₽"_-;\\-* #,##0.00\\ "₽"_-;_-* "-"??\\ "₽"_-', "1,234.50 ₽"],
      [1_234.5, '#,##0.00" руб."', "1,234.50 руб."],
      [3, '0" шт; да"', "3 шт; да"],
      [1_234.5, "0.##", "1,234.5".replace(",", "")],
    ];
    for (const [value, code, text] of expected) assert.equal(shown(value, code), text, code);
    assert.deepEqual([1, 2, 3, 4, 9, 10, 37, 44].map((id) => shown(1_234.5, undefined, id)), [
      "1235",
      "1234.50",
      "1,235",
      "1,234.50",
      "123450%",
      "123450.00%",
      "1,235",
      "1,234.50",
    ]);
  });

  await t.step("as plain numbers where the format says more than can be shown", () => {
    for (
      const code of ["General", "@", "0.00E+00", "# ?/?", "000-00-00", "0.0,", ";;;", "", "[Red]"]
    ) {
      assert.equal(shown(1_234.5, code), "1234.5", code);
    }
    assert.equal(shown(5, "x".repeat(300)), "5");
    assert.equal(shown(0.1 + 0.2), "0.3");
    assert.equal(shown(1 / 7), "0.142857142857143");
    assert.equal(shown(123_456_789_012), "123456789012");
  });

  await t.step("plain numbers come back as they were, to 15 digits", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(number, (value) => {
      assert.equal(Number(shown(value)), Number(value.toPrecision(15)) || 0);
    }));
  });

  await t.step("decimals come back as they were", () => {
    fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (cents) => {
      assert.equal(Number(shown(cents / 100, "#,##0.00").replaceAll(",", "")), cents / 100);
    }));
  });

  await t.step("no code is too strange", () => {
    const codes = fc.array(
      fc.constantFrom(...'0#?.,;%@ymdhsE+-_*\\"[]$₽/ ', "General", "AM/PM", "[h]", "[$-419]"),
    );
    fc.assert(fc.property(codes, fc.double(), fc.boolean(), (code, value, is1904) => {
      const format = cellFormat(164, code.join(""), is1904);
      assert.equal(typeof format.show(value), "string");
      assert.ok(["string", "number"].includes(typeof format.read(value)));
    }));
  });
});

/** A deflated file's bytes, as they come in a ZIP. */
async function deflate(texts: Iterable<string>): Promise<Uint8Array> {
  const packed = ReadableStream.from(texts)
    .pipeThrough(new TextEncoderStream())
    .pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** The only file of a ZIP, deflated: by hand, since its size can then be a lie. */
async function deflatedZip(name: string, texts: Iterable<string>, declared: number) {
  const packed = await deflate(texts);
  const latin1 = Array.from(packed, (byte) => String.fromCharCode(byte)).join("");
  const bytes = makeZip({ [name]: "\0".repeat(latin1.length) }, declared);
  const view = new DataView(bytes.buffer);
  bytes.set(packed, 30 + name.length);
  view.setUint16(8, 8, true);
  view.setUint16(30 + name.length + packed.length + 10, 8, true);
  return bytes;
}

async function deflatedWorkbook(rows: readonly string[]): Promise<Uint8Array> {
  const name = "xl/worksheets/sheet1.xml";
  const packed = await deflate([sheet(rows.join(""))]);
  const { [name]: _, ...rest } = partsOf({});
  const bytes = makeZip({ [name]: "\0".repeat(packed.length), ...rest });
  bytes.set(packed, 30 + name.length);
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(bytes.length - 6, true);
  view.setUint16(8, 8, true);
  view.setUint16(directory + 10, 8, true);
  return bytes;
}

Deno.test("a file of a ZIP takes no more than its budget", async (t) => {
  const drain = async (bytes: Uint8Array, budget: Budget) => {
    const [entry] = entriesOf(bytes);
    assert.ok(entry);
    return await readEntry(bytes, entry, budget);
  };

  await t.step("and gives it back as it was", async () => {
    const budget = { left: 1_000 };
    const bytes = await deflatedZip("а.txt".normalize(), ["Привет"], 12);
    assert.equal(new TextDecoder().decode(await drain(makeZip({ a: "Ёлка" }), budget)), "Ёлка");
    assert.equal(budget.left, 992);
    assert.equal(entriesOf(bytes).length, 1);
  });

  await t.step("though it says that it is small", async () => {
    const zeros = "0".repeat(1_000_000);
    const bomb = await deflatedZip("a", Array.from({ length: 50 }, () => zeros), 5);
    assert.equal(entriesOf(bomb)[0]?.size, 5);
    const budget = { left: 1_000_000 };
    await assert.rejects(drain(bomb, budget), refusedAs("too_large"));
    // What was inflated beyond the budget is one chunk, not the whole bomb.
    assert.ok(budget.left > -6_000_000, String(budget.left));
    await assert.rejects(
      drain(makeZip({ a: zeros }, 1), { left: 999_999 }),
      refusedAs("too_large"),
    );
  });

  await t.step("as chunks that can be left", async () => {
    const bytes = await deflatedZip("a", ["0".repeat(3_000_000)], 3_000_000);
    const [entry] = entriesOf(bytes);
    assert.ok(entry);
    for await (const chunk of openEntry(bytes, entry, { left: 1e9 })) {
      assert.ok(chunk.length > 0);
      break;
    }
  });

  await t.step("unless it is broken, locked, or packed in ways of its own", async () => {
    const whole = await deflatedZip("a", ["Привет, мир! ".repeat(100)], 2_200);
    const [entry] = entriesOf(whole);
    assert.ok(entry);
    const read = (change: object, bytes = whole) =>
      readEntry(bytes, { ...entry, ...change }, { left: 1e9 });
    assert.equal((await read({})).length, 2_200);
    await assert.rejects(read({ isEncrypted: true }), refusedAs("encrypted"));
    await assert.rejects(read({ method: 99 }), refusedAs("damaged"));
    await assert.rejects(read({ offset: 7 }), refusedAs("damaged"));
    await assert.rejects(read({ offset: 2 ** 40 }), refusedAs("damaged"));
    await assert.rejects(read({ compressedSize: 2 ** 40 }), refusedAs("damaged"));
    await assert.rejects(read({ compressedSize: 9 }), refusedAs("damaged"));
    const spoilt = whole.slice();
    spoilt.fill(0xff, 31, 60);
    await assert.rejects(read({}, spoilt), refusedAs("damaged"));
  });

  await t.step("also where its sizes are those of ZIP64", async () => {
    const bytes = zip64Of(makeZip({ a: "Ёлка" }));
    const [entry] = entriesOf(bytes);
    assert.deepEqual([entry?.size, entry?.compressedSize, entry?.offset], [8, 8, 0]);
    assert.equal(new TextDecoder().decode(await drain(bytes, { left: 100 })), "Ёлка");
  });

  await t.step("and no bytes at all make its directory fail", () => {
    const whole = makeZip({ a: "1", b: "2" });
    assert.equal(entriesOf(whole).length, 2);
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(whole.length),
      (changes, length) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        entriesOf(bytes.subarray(0, length));
        if (length < whole.length) assert.deepEqual(entriesOf(whole.subarray(0, length)), []);
      },
    ));
  });
});

/** The same ZIP, with one file, as a program writes it that always uses ZIP64. */
function zip64Of(zip: Uint8Array): Uint8Array {
  const old = new DataView(zip.buffer);
  const at = old.getUint32(zip.length - 6, true);
  const size = BigInt(old.getUint32(at + 24, true));
  const entry = zip.slice(at, zip.length - 22);
  const extra = new DataView(new ArrayBuffer(28));
  const view = new DataView(entry.buffer);
  for (const place of [20, 24, 42]) view.setUint32(place, 0xffffffff, true);
  view.setUint16(30, 28, true);
  extra.setUint16(0, 1, true);
  extra.setUint16(2, 24, true);
  extra.setBigUint64(4, size, true);
  extra.setBigUint64(12, size, true);
  const end = new DataView(new ArrayBuffer(76));
  end.setUint32(0, 0x06064b50, true);
  end.setBigUint64(32, 1n, true);
  end.setBigUint64(48, BigInt(at), true);
  end.setUint32(56, 0x07064b50, true);
  end.setBigUint64(64, BigInt(at + entry.length + 28), true);
  const last = zip.slice(zip.length - 22);
  last.fill(0xff, 8, 20);
  const parts = [zip.subarray(0, at), entry, new Uint8Array(extra.buffer)];
  const all = [...parts, new Uint8Array(end.buffer), last];
  return new Uint8Array(all.flatMap((part) => [...part]));
}

Deno.test("hostile and broken workbooks are refused", async (t) => {
  const cell = row(`<c t="str"><v>да</v></c>`);
  const whole = makeZip(partsOf({ rows: cell }));

  await t.step("cut off, or with parts missing", async () => {
    assert.equal(isWorkbook(whole.subarray(0, whole.length - 30)), false);
    assert.equal(isWorkbook(makeZip({ a: "" })), false);
    const { "xl/worksheets/sheet1.xml": _, ...noSheet } = partsOf({});
    const { "xl/_rels/workbook.xml.rels": __, ...noRelations } = partsOf({});
    const broken = [
      whole.subarray(0, whole.length - 30),
      makeZip(noSheet),
      makeZip(noRelations),
      makeZip(partsOf({ files: { "xl/_rels/workbook.xml.rels": relations("%E0%A4%A") } })),
      makeZip(partsOf({ files: { "xl/worksheets/sheet1.xml": sheet(cell).slice(0, -20) } })),
      makeZip(partsOf({ rows: "<row></c>" })),
      makeZip(partsOf({ shared: "<si><t>&unknown;</t></si>" })),
    ];
    for (const [n, bytes] of broken.entries()) {
      await assert.rejects(readRows(bytes), refusedAs("damaged"), `the broken one ${n}`);
    }
  });

  await t.step("entities of its own are unknown, and do nothing unless they are used", async () => {
    const bomb =
      `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///x">]>`;
    const file = (rows: string) => ({ files: { "xl/worksheets/sheet1.xml": bomb + sheet(rows) } });
    assert.deepEqual((await rowsOf(file(cell)))[0]?.cells, ["да"]);
    for (const entity of ["&b;", "&f;"]) {
      const used = file(row(`<c t="str"><v>${entity}</v></c>`));
      await assert.rejects(rowsOf(used), refusedAs("damaged"));
    }
  });

  await t.step("larger than their limits", async () => {
    const shared = `<si><t>${"я".repeat(500)}</t></si>`;
    const few = { ...LIMITS, sharedLetters: 400 };
    await assert.rejects(rowsOf({ rows: cell, shared }, few), refusedAs("too_large"));
    const empty = { ...LIMITS, sharedLetters: 400 };
    await assert.rejects(rowsOf({ shared: "<si/>".repeat(500) }, empty), refusedAs("too_large"));
    const bytes = await deflatedWorkbook(Array.from({ length: 40_000 }, (_, n) => row(cell, n)));
    const small = { ...LIMITS, inflatedBytes: 1_000_000 };
    await assert.rejects(readRows(bytes, small), refusedAs("too_large"));
  });

  await t.step("too deep, or one text without an end", async () => {
    await assert.rejects(rowsOf({ rows: "<a>".repeat(200) }), refusedAs("too_complex"));
    // Of pieces that pack badly, since all that a packed piece gives is read at once.
    const text = ["<row><c><v>", ...Array(40).fill("0".repeat(1_000_000) + crypto.randomUUID())];
    const limits = { ...LIMITS, inflatedBytes: 100_000_000 };
    await assert.rejects(readRows(await deflatedWorkbook(text), limits), refusedAs("too_large"));
  });
});

Deno.test("many rows are read within a second or two, and never all at once", async () => {
  const count = 20_000;
  const bytes = await deflatedWorkbook(
    Array.from(
      { length: count },
      (_, n) => row(`<c r="A${n + 1}"><v>${n}</v></c>` + `<c><v>${n / 4}</v></c>`.repeat(9), n + 1),
    ),
  );
  const [first] = await openWorkbook(bytes, { ...LIMITS, inflatedBytes: 100_000_000 });
  assert.ok(first);
  let next = 0;
  for await (const { number, values } of first.rows()) {
    assert.equal(number, ++next);
    assert.equal(values?.[9], (number - 1) / 4);
  }
  assert.equal(next, count);
});
