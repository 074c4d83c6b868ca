/** Reading a one-page PDF in the sandbox, with a reader that waits for it and with one that starts. */
import { createSandbox } from "../../lib/extract/sandbox.ts";
import { ratio, repeat, type Row, row } from "./measure.ts";

const TIMES = 10;
const never = new AbortController().signal;

export async function benchExtraction(): Promise<Row[]> {
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
