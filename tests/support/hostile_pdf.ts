/** PDFs that never end for a reader that trusts them. */

/** A file whose page tree holds itself, or whose cross-reference sections follow each other in a ring. */
export function loopingPdf(what: "pages" | "references"): Uint8Array {
  const kids = what === "pages" ? "[2 0 R 2 0 R]" : "[3 0 R]";
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids ${kids} /Count 2000000000 >>`,
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 3 0 R >>",
  ];
  let text = "%PDF-1.4\n";
  const offsets: number[] = [];
  for (const [n, object] of objects.entries()) {
    offsets.push(text.length);
    text += `${n + 1} 0 obj\n${object}\nendobj\n`;
  }
  const start = text.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries.join("")}`;
  const previous = what === "references" ? ` /Prev ${start}` : "";
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${previous} >>\n`;
  text += `startxref\n${start}\n%%EOF\n`;
  return new TextEncoder().encode(text);
}
