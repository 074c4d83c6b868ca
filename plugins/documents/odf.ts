/** OpenDocument texts (ODT) by their headings, and presentations (ODP) by their slides. */
import { isZip, openOffice } from "../../lib/extract/office.ts";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { readXml } from "../../lib/extract/xml.ts";
import { DocumentRefusedError, type Section } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";
import { slideHeading } from "./pptx.ts";

const MIME = "application/vnd.oasis.opendocument.";
/** A blank in the text stands for one; more of them are an element with their count. */
const MAX_SPACES = 100;
/** What belongs to a text without being read with it. */
const UNSEEN = new Set(["text:tracked-changes", "office:annotation", "office:forms", "svg:desc"]);

/** The slide that is being read; its notes follow under the same heading. */
interface Slide {
  page: number;
  title: string;
  isTitle: boolean;
  heading?: string[];
  lines: string[];
}

export default definePlugin({
  name: "odf",
  formats: [
    {
      name: "odt",
      extensions: ["odt"],
      unit: "part",
      matches: (bytes) => isOfType(bytes, "text"),
      extract: async (bytes) => ({ sections: partsOf((await readContent(bytes)).blocks) }),
    },
    {
      name: "odp",
      extensions: ["odp"],
      unit: "slide",
      matches: (bytes) => isOfType(bytes, "presentation"),
      async extract(bytes) {
        const { slides } = await readContent(bytes);
        return { sections: slides, pages: slides.at(-1)?.page ?? 0 };
      },
    },
  ],
});

/** The first file of an OpenDocument ZIP is its type, stored as it is. */
export function isOfType(bytes: Uint8Array, type: string): boolean {
  if (!isZip(bytes)) return false;
  const head = new TextDecoder("latin1").decode(bytes.subarray(30, 200));
  return head.startsWith(`mimetype${MIME}${type}`);
}

/** The text as blocks, and by slides where it has them. */
async function readContent(
  bytes: Uint8Array,
): Promise<{ blocks: Block[]; slides: Section[] }> {
  const file = openOffice(bytes);
  const manifest = await file.read("META-INF/manifest.xml");
  if (manifest?.includes("encryption-data")) {
    throw new DocumentRefusedError("encrypted", "it needs a password");
  }
  const xml = await file.read("content.xml");
  if (xml === undefined) throw new DocumentRefusedError("damaged", "it has no content");
  const blocks: Block[] = [];
  const slides: Section[] = [];
  let text = "";
  let level: number | undefined;
  let unseen = 0;
  let tables = 0;
  let page = 0;
  let row: string[] | undefined;
  let slide: Slide | undefined;

  const endSlide = () => {
    if (slide === undefined) return;
    slide.heading ??= slideHeading(slide.title, slide.lines);
    slides.push({ page: slide.page, heading: slide.heading, text: slide.lines.join("\n") });
    slide.lines = [];
  };
  const endParagraph = () => {
    const line = text.trim();
    text = "";
    if (line === "") return;
    slide?.lines.push(line);
    if (slide?.isTitle) slide.title = `${slide.title} ${line}`.trim();
    blocks.push(level === undefined ? { text: line } : { text: line, level });
  };
  readXml(xml, {
    open(name, attribute) {
      if (UNSEEN.has(name)) unseen++;
      if (name === "text:h") level = Math.min(6, Number(attribute("text:outline-level")) || 1);
      if (name === "text:s") {
        text += " ".repeat(Math.min(MAX_SPACES, Number(attribute("text:c")) || 1));
      }
      if (name === "text:tab" || name === "text:line-break") text += " ";
      if (name === "table:table") tables++;
      if (name === "table:table-row" && tables === 1) row = [];
      if (name === "draw:page") slide = { page: ++page, title: "", isTitle: false, lines: [] };
      if (name === "draw:frame" && slide) {
        slide.isTitle = attribute("presentation:class") === "title";
      }
      if (name === "presentation:notes") {
        endSlide();
        if (slide) slide.isTitle = false;
      }
    },
    text(data) {
      if (unseen === 0) text += data.replace(/\s+/g, " ");
    },
    close(name) {
      if (UNSEEN.has(name)) {
        unseen--;
        text = "";
      }
      if (name === "text:p" || name === "text:h") {
        if (row === undefined) endParagraph();
        else text += " ";
        level = undefined;
      }
      if (name === "table:table-cell" && tables === 1 && row !== undefined) {
        row.push(text.trim());
        text = "";
      }
      if (name === "table:table-row" && tables === 1 && row !== undefined) {
        const line = row.join(" | ");
        if (/[^ |]/.test(line)) {
          blocks.push({ text: line, row: true });
          slide?.lines.push(line);
        }
        row = undefined;
      }
      if (name === "table:table") tables--;
      if (name === "draw:page") {
        endSlide();
        slide = undefined;
      }
    },
  });
  return { blocks, slides };
}
