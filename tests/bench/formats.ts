/**
 * Reading files beside what a user would run instead: `pdftotext`, and
 * LibreOffice's converter. Time as a person waits for it, with a reader that is
 * warm; memory as the most that the process had at once.
 */
import { createSandbox } from "../../lib/extract/sandbox.ts";
import { makeDocx, makeZipOf, paragraph } from "../support/files.ts";
import { ratio, type Row, row } from "./measure.ts";

const TIMES = 5;
/** A reader that has just been started needs this to be warm. */
const WARM_UP_MS = 1_000;
const POLL_MS = 20;
const never = new AbortController().signal;
const SENTENCE =
  "The keeper lights the lamp at dusk and notes the weather in the book of the tower.";

interface Subject {
  name: string;
  bytes: Uint8Array;
  /** Arguments of what is run instead, after the file's own name; its output goes to `folder`. */
  instead(path: string, folder: string): [command: string, ...args: string[]];
  count: number;
  unit: string;
}

/** @param files PDFs to read beside those that are made here */
export async function benchFormats(files: readonly string[]): Promise<Row[]> {
  const folder = await Deno.makeTempDir();
  try {
    const rows: Row[] = [];
    for (const subject of await subjects(files)) {
      const path = `${folder}/${subject.name.replaceAll(/[^\w.]/g, "_")}`;
      await Deno.writeFile(path, subject.bytes);
      const sandbox = createSandbox({ size: 1, timeoutMs: 120_000 });
      const { name, bytes } = subject;
      const ours = await measured(
        subject,
        "in the sandbox",
        () => sandbox.extract({ name, bytes, depth: 0, onScanned() {} }, never),
      ).finally(() => sandbox.close());
      const [command, ...args] = subject.instead(path, folder);
      const theirs = await measured(subject, command, async () => {
        const options = { args, stdout: "null", stderr: "null", stdin: "null" } as const;
        const { success } = await new Deno.Command(command, options).output();
        if (!success) throw new Error(`Cannot compare with ${command} as it fails`);
      }).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      });
      if (theirs === undefined) rows.push(ours);
      else rows.push({ ...ours, beside: ratio(ours, theirs) }, theirs);
    }
    return rows;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measured(
  { name, count, unit }: Subject,
  how: string,
  work: () => Promise<unknown>,
): Promise<Row> {
  const times: number[] = [];
  let peak = 0;
  for (let n = 0; n < TIMES; n++) {
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const memory = watchMemory();
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
    peak = Math.max(peak, await memory.end());
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(TIMES / 2)] ?? NaN;
  const perSecond = Math.round(count / median * 1_000);
  return row(`${name}, ${how}: ${perSecond} ${unit}/s, ${peak} MB`, times);
}

/** Watches the most memory that any process started by this one has at once, in megabytes. */
function watchMemory() {
  let isOver = false;
  const watching = (async () => {
    let peak = 0;
    while (!isOver) {
      const paths = (await descendants(Deno.pid)).map((pid) => `/proc/${pid}/status`);
      for (const [, kilobytes] of (await cat(...paths)).matchAll(/VmHWM:\s+(\d+) kB/g)) {
        peak = Math.max(peak, Math.round(Number(kilobytes) / 1_024));
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return peak;
  })();
  return {
    end() {
      isOver = true;
      return watching;
    },
  };
}

/** All processes below `pid`, told by the parents that they name. */
async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid="] }).output();
  const children = new Map<number, number[]>();
  for (const line of new TextDecoder().decode(stdout).trim().split("\n")) {
    const [child = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    children.set(parent, [...children.get(parent) ?? [], child]);
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

async function cat(...paths: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: paths, stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

async function subjects(files: readonly string[]): Promise<Subject[]> {
  const pdftotext = (
    path: string,
    folder: string,
  ): [string, ...string[]] => ["pdftotext", path, `${folder}/out.txt`];
  const office = (to: string) => (path: string, folder: string): [string, ...string[]] => [
    "soffice",
    `-env:UserInstallation=file://${folder}/profile`,
    "--headless",
    "--convert-to",
    to,
    "--outdir",
    folder,
    path,
  ];
  const given = await Promise.all(files.map(async (path): Promise<Subject> => {
    const bytes = await Deno.readFile(path);
    const name = path.split("/").at(-1) ?? path;
    return { name, bytes, instead: pdftotext, count: await pagesOf(bytes), unit: "pages" };
  }));
  return [
    ...given,
    {
      name: "PDF, 300 pages",
      bytes: await pdf(300),
      instead: pdftotext,
      count: 300,
      unit: "pages",
    },
    {
      name: "DOCX, 6,000 paragraphs",
      bytes: makeDocx(
        Array.from({ length: 6_000 }, (_, n) => paragraph(`${n}. ${SENTENCE}`)).join(""),
      ),
      instead: office("txt:Text"),
      count: 6_000,
      unit: "paragraphs",
    },
    {
      name: "XLSX, 50,000 rows",
      bytes: await workbook(50_000),
      instead: office("csv"),
      count: 50_000,
      unit: "rows",
    },
  ];
}

async function pagesOf(bytes: Uint8Array): Promise<number> {
  const { PDFDocument } = await import("pdf-lib");
  return (await PDFDocument.load(bytes, { ignoreEncryption: true })).getPageCount();
}

async function pdf(pages: number): Promise<Uint8Array> {
  const { PDFDocument, StandardFonts } = await import("pdf-lib");
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.TimesRoman);
  for (let n = 1; n <= pages; n++) {
    const page = document.addPage([595, 842]);
    for (let line = 0; line < 40; line++) {
      page.drawText(`${n}.${line} ${SENTENCE}`, { x: 50, y: 800 - line * 18, size: 11, font });
    }
  }
  return await document.save();
}

async function workbook(rows: number): Promise<Uint8Array> {
  const cell = (text: string) => `<c t="str"><v>${text}</v></c>`;
  const lines = Array.from(
    { length: rows },
    (_, n) => `<row>${cell(`Town ${n % 40}`)}<c><v>${n}</v></c><c><v>${n * 1.5}</v></c></row>`,
  );
  const types = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const packages = "http://schemas.openxmlformats.org/package/2006";
  return await makeZipOf({
    "[Content_Types].xml": `<Types xmlns="${packages}/content-types">
      <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
      <Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/>
      <Override PartName="/xl/worksheets/sheet1.xml" ContentType="${types}.worksheet+xml"/></Types>`,
    "_rels/.rels": `<Relationships xmlns="${packages}/relationships">
      <Relationship Id="r1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml":
      `<workbook xmlns="${main}" xmlns:r="${relations}"><sheets><sheet name="Sales" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${packages}/relationships">
      <Relationship Id="r1" Type="${relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    "xl/worksheets/sheet1.xml": `<worksheet xmlns="${main}"><sheetData><row>${cell("Town")}${
      cell("Pieces")
    }${cell("Sum")}</row>${lines.join("")}</sheetData></worksheet>`,
  });
}
