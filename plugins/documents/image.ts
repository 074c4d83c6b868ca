/** Pictures of a page (JPEG, PNG): put on a PDF page of their own and read as a scan is. */
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";
import { readPdf } from "./pdf.ts";

const JPEG = [0xff, 0xd8, 0xff];
const PNG = [0x89, 0x50, 0x4e, 0x47];
/** A picture is shown as if an A4 page's longer side were it. */
const PAGE_POINTS = 842;
/** How a camera was held, as quarter turns of the picture that undo it. */
const QUARTER_TURNS: Readonly<Record<number, number>> = { 3: 2, 6: 1, 8: 3 };
const ORIENTATION_TAG = 0x0112;

export default definePlugin({
  name: "image",
  formats: [{
    name: "image",
    extensions: ["jpg", "jpeg", "png"],
    unit: "page",
    matches: (bytes) => startsWith(bytes, JPEG) || startsWith(bytes, PNG),
    async extract(bytes, context) {
      const { degrees, PDFDocument } = await import("pdf-lib");
      const pdf = await PDFDocument.create();
      const isJpeg = startsWith(bytes, JPEG);
      const picture = await (isJpeg ? pdf.embedJpg(bytes) : pdf.embedPng(bytes)).catch(
        (error: unknown) => {
          throw new DocumentRefusedError("damaged", "the picture is broken", { cause: error });
        },
      );
      const { width, height } = picture.scaleToFit(PAGE_POINTS, PAGE_POINTS);
      const page = pdf.addPage([width, height]);
      page.drawImage(picture, { x: 0, y: 0, width, height });
      page.setRotation(degrees(90 * (isJpeg ? QUARTER_TURNS[orientationOf(bytes)] ?? 0 : 0)));
      return await readPdf(await pdf.save(), context);
    },
  }],
});

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, n) => bytes[n] === byte);
}

/** The Exif orientation of a JPEG: 1 where it has none. */
function orientationOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (let at = 2; view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda;) {
      if (view.getUint8(at + 1) === 0xe1 && view.getUint32(at + 4) === 0x45786966) {
        return orientationIn(view, at + 10);
      }
      at += 2 + view.getUint16(at + 2);
    }
  } catch {
    // Cut off, or no Exif at all: the picture is shown as it is.
  }
  return 1;
}

/** Looks through the first directory of a TIFF header, which is what Exif is. */
function orientationIn(view: DataView, tiff: number): number {
  const isLittle = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, isLittle);
  const count = view.getUint16(directory, isLittle);
  for (let n = 0; n < count; n++) {
    const entry = directory + 2 + n * 12;
    if (view.getUint16(entry, isLittle) === ORIENTATION_TAG) {
      return view.getUint16(entry + 8, isLittle);
    }
  }
  return 1;
}
