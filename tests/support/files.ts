/** Files for tests: PDFs, DOCX without compression, and texts in the encodings of the past. */
import { once } from "node:events";
import { Readable } from "node:stream";
import { createDeflateRaw } from "node:zlib";

/** A PDF with a line of Latin text on each page. */
export async function makePdf(pages: readonly string[]): Promise<Uint8Array> {
  const { PDFDocument, StandardFonts } = await import("pdf-lib");
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (const text of pages) {
    const page = pdf.addPage();
    for (const [n, line] of text.split("\n").entries()) {
      page.drawText(line, { x: 50, y: 750 - n * 14, size: 11, font });
    }
  }
  return await pdf.save();
}

/** A DOCX from the body of its `document.xml`. */
export function makeDocx(body: string): Uint8Array {
  const type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
  const namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
  return makeZip({
    "[Content_Types].xml": `<?xml version="1.0"?>
      <Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
      <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
      <Override PartName="/word/document.xml" ContentType="${type}"/></Types>`,
    "_rels/.rels": `<?xml version="1.0"?>
      <Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
      <Relationship Id="r1" Target="word/document.xml"
        Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>
      </Relationships>`,
    "word/document.xml":
      `<?xml version="1.0"?><w:document xmlns:w="${namespace}"><w:body>${body}</w:body></w:document>`,
  });
}

/** A Word paragraph; `level` makes it a heading. */
export function paragraph(text: string, level?: number): string {
  const style = level === undefined ? "" : `<w:pPr><w:pStyle w:val="Heading${level}"/></w:pPr>`;
  return `<w:p>${style}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

/** A ZIP whose files are stored as they are; `declared` forges their inflated size. */
export function makeZip(files: Record<string, string>, declared?: number): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, data] = [encoder.encode(name), encoder.encode(text)];
    const size = declared ?? data.length;
    const common = (view: DataView, at: number) => {
      view.setUint32(at, crc32(data), true);
      view.setUint32(at + 4, data.length, true);
      view.setUint32(at + 8, size, true);
      view.setUint16(at + 12, path.length, true);
    };
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    common(local, 14);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    common(entry, 16);
    entry.setUint32(42, offset, true);
    parts.push(new Uint8Array(local.buffer), path, data);
    directory.push(new Uint8Array(entry.buffer), path);
    offset += 30 + path.length + data.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, Object.keys(files).length, true);
  end.setUint16(10, Object.keys(files).length, true);
  end.setUint32(12, length, true);
  end.setUint32(16, offset, true);
  const all = [...parts, ...directory, new Uint8Array(end.buffer)];
  return new Uint8Array(all.flatMap((part) => [...part]));
}

/** One piece of text, many times over, without being that large in memory. */
export function* repeated(text: string, times: number): Generator<Uint8Array> {
  const piece = new TextEncoder().encode(text);
  for (let n = 0; n < times; n++) yield piece;
}

/**
 * A ZIP of packed files, however large they are once inflated.
 *
 * @param declared forges their inflated sizes
 */
export async function makeZipOf(
  files: Record<string, string | Iterable<Uint8Array>>,
  declared?: number,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const chunks = typeof content === "string" ? [encoder.encode(content)] : content;
    let size = 0;
    const deflate = createDeflateRaw({ level: 1 });
    const packed = new Response(Readable.toWeb(deflate) as ReadableStream).arrayBuffer();
    for (const chunk of chunks) {
      size += chunk.length;
      if (!deflate.write(chunk)) await once(deflate, "drain");
    }
    deflate.end();
    const data = new Uint8Array(await packed);
    const path = encoder.encode(name);
    const describe = (view: DataView, at: number) => {
      view.setUint32(at, data.length, true);
      view.setUint32(at + 4, declared ?? size, true);
      view.setUint16(at + 8, path.length, true);
    };
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    local.setUint16(8, 8, true);
    describe(local, 18);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(10, 8, true);
    describe(entry, 20);
    entry.setUint32(42, offset, true);
    parts.push(new Uint8Array(local.buffer), path, data);
    directory.push(new Uint8Array(entry.buffer), path);
    offset += 30 + path.length + data.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, Object.keys(files).length, true);
  end.setUint16(10, Object.keys(files).length, true);
  end.setUint32(12, directory.reduce((sum, part) => sum + part.length, 0), true);
  end.setUint32(16, offset, true);
  const all = [...parts, ...directory, new Uint8Array(end.buffer)];
  return new Uint8Array(await new Blob(all as BlobPart[]).arrayBuffer());
}

function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** `text` in a single-byte encoding that decoders know and encoders have forgotten. */
export function encodeAs(encoding: string, text: string): Uint8Array {
  const decoder = new TextDecoder(encoding);
  const bytes = new Map<string, number>();
  for (let byte = 255; byte >= 0; byte--) bytes.set(decoder.decode(Uint8Array.of(byte)), byte);
  return Uint8Array.from([...text], (letter) => bytes.get(letter) ?? 63);
}
