/**
 * A one-page PDF: read in the sandbox, with a reader that waits for it and with
 * one that starts; and as its sender sees it, from the file to "ready".
 */
import { createSandbox } from "../../lib/extract/sandbox.ts";
import { makePdf } from "../support/files.ts";
import { anyStorage, startWorld } from "../support/world.ts";
import { ratio, repeat, type Row, row } from "./measure.ts";

const TIMES = 10;
const never = new AbortController().signal;

export async function benchExtraction(): Promise<Row[]> {
  return [...await benchReader(), await benchReady()];
}

/** From the update with the file to the call that tells that it is ready: download and index too. */
async function benchReady(): Promise<Row> {
  await using world = await startWorld(anyStorage);
  const ada = world.user("en");
  const times: number[] = [];
  for (let n = 0; n < TIMES + 2; n++) {
    const bytes = await makePdf([`Page of the walrus number ${n}.`]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const ready = world.server.called(({ method, payload }) =>
      method === "editMessageText" && /ready/.test(String(payload.text))
    );
    const begun = performance.now();
    ada.sendFile({ name: `${n}.pdf`, bytes, mimeType: "application/pdf" });
    const { at } = await ready;
    if (n >= 2) times.push(at - begun);
  }
  return row(`a one-page PDF, update to "ready" (${anyStorage})`, times);
}

async function benchReader(): Promise<Row[]> {
  const { PDFDocument, StandardFonts } = await import("pdf-lib");
  const pdf = await PDFDocument.create();
  const page = pdf.addPage();
  page.setFont(await pdf.embedFont(StandardFonts.Helvetica));
  page.drawText("One page about a walrus.", { x: 50, y: 700 });
  const bytes = await pdf.save();

  const sandbox = createSandbox({ size: 1, timeoutMs: 30_000 });
  try {
    // Back to back, each file waits for the start of its reader.
    const cold = row(
      "a one-page PDF, its reader starting",
      await repeat(
        TIMES,
        () => sandbox.extract({ name: "a.pdf", bytes, depth: 0, onScanned() {} }, never),
      ),
    );
    const times: number[] = [];
    for (let n = 0; n < TIMES; n++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const begun = performance.now();
      await sandbox.extract({ name: "a.pdf", bytes, depth: 0, onScanned() {} }, never);
      times.push(performance.now() - begun);
    }
    const warm = row("a one-page PDF, its reader waiting", times);
    return [cold, { ...warm, beside: ratio(warm, cold) }];
  } finally {
    await sandbox.close();
  }
}
