/** E-books (EPUB): a chapter for each text of the book's spine. */
import { isZip, openOffice, resolvePath } from "../../lib/extract/office.ts";
import { readHtml } from "../../lib/extract/markup.ts";
import { sectionsOf } from "../../lib/extract/parts.ts";
import { readXml } from "../../lib/extract/xml.ts";
import { DocumentRefusedError, type Section } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const CONTAINER = "META-INF/container.xml";

export default definePlugin({
  name: "epub",
  formats: [{
    name: "epub",
    extensions: ["epub"],
    unit: "chapter",
    matches(bytes) {
      const head = new TextDecoder("latin1").decode(bytes.subarray(30, 100));
      return isZip(bytes) && head.startsWith("mimetypeapplication/epub+zip");
    },
    async extract(bytes) {
      const file = openOffice(bytes);
      if (file.names.includes("META-INF/encryption.xml")) {
        const encryption = await file.read("META-INF/encryption.xml") ?? "";
        // Fonts may be scrambled in a book that is free to read.
        if (/\.x?html?["<]/i.test(encryption)) {
          throw new DocumentRefusedError("encrypted", "its chapters are encrypted");
        }
      }
      const container = await file.read(CONTAINER) ?? "";
      const packagePath = attributesOf(container, "rootfile", "full-path")[0];
      const book = packagePath === undefined ? undefined : await file.read(packagePath);
      if (packagePath === undefined || book === undefined) {
        throw new DocumentRefusedError("damaged", "it does not say what it holds");
      }
      const sections: Section[] = [];
      let page = 0;
      for (const target of spineOf(book)) {
        const html = await file.read(resolvePath(packagePath, target));
        const found = sectionsOf(page + 1, readHtml(html ?? "").blocks);
        if (found.length > 0) page++;
        sections.push(...found);
      }
      return { sections };
    },
  }],
});

/** Where the chapters are, in reading order. */
function spineOf(book: string): string[] {
  const targets = new Map<string, string>();
  const spine: string[] = [];
  readXml(book, {
    open(name, attribute) {
      if (/(^|:)item$/.test(name)) targets.set(attribute("id") ?? "", attribute("href") ?? "");
      if (/(^|:)itemref$/.test(name)) spine.push(attribute("idref") ?? "");
    },
    close() {},
    text() {},
  });
  return spine.map((id) => targets.get(id)).filter((target) => target !== undefined);
}

function attributesOf(xml: string, element: string, wanted: string): string[] {
  const values: string[] = [];
  readXml(xml, {
    open(name, attribute) {
      const value = attribute(wanted);
      if (name.replace(/^.*:/, "") === element && value !== undefined) values.push(value);
    },
    close() {},
    text() {},
  });
  return values;
}
