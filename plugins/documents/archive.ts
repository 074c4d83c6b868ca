/** ZIP archives: the files in them become documents of their own. */
import { isZip } from "../../lib/extract/office.ts";
import { InnerFiles, MAX_BYTES, MAX_DEPTH, MAX_FILES } from "../../lib/extract/inner_files.ts";
import { entriesOf, readEntry, type ZipEntry } from "../../lib/extract/unzip.ts";
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

/** What systems put into archives beside the files that a person meant. */
const NOISE = /(^|\/)(__MACOSX\/|\.[^./]|Thumbs\.db$|desktop\.ini$)/i;

export default definePlugin({
  name: "archive",
  formats: [{
    name: "zip",
    extensions: ["zip"],
    unit: "part",
    matches: isZip,
    async extract(bytes, { depth }) {
      if (depth >= MAX_DEPTH) {
        throw new DocumentRefusedError("unsupported", "it is an archive within an archive");
      }
      const all = entriesOf(bytes);
      if (all.length === 0) throw new DocumentRefusedError("damaged", "its directory is missing");
      const entries = all.filter(({ name }) => !name.endsWith("/") && !NOISE.test(name));
      const declared = entries.reduce((sum, { size }) => sum + size, 0);
      if (entries.length > MAX_FILES || declared > MAX_BYTES) {
        throw new DocumentRefusedError(
          "too_large",
          `it holds ${entries.length} files of ${declared} bytes`,
        );
      }
      const files = new InnerFiles();
      const budget = { left: MAX_BYTES };
      for (const entry of entries) files.add(nameOf(entry), await readEntry(bytes, entry, budget));
      return { sections: [], files: files.files };
    },
  }],
});

function nameOf({ name }: ZipEntry): string {
  return name.split("/").at(-1) ?? name;
}
