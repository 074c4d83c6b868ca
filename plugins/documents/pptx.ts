/** Presentations (PPTX): a section a slide under its title, and one for its notes. */
import { holdsFile, type OfficeFile, openOffice, resolvePath } from "../../lib/extract/office.ts";
import { readXml } from "../../lib/extract/xml.ts";
import { DocumentRefusedError, type Section } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";

const PRESENTATION = "ppt/presentation.xml";
const TITLE_LENGTH = 100;

export default definePlugin({
  name: "pptx",
  formats: [{
    name: "pptx",
    extensions: ["pptx"],
    unit: "slide",
    matches: (bytes) => holdsFile(bytes, PRESENTATION),
    async extract(bytes) {
      const file = openOffice(bytes);
      const slides = await slidesOf(file);
      const sections: Section[] = [];
      for (const [n, path] of slides.entries()) {
        const slide = slideIn(await file.read(path) ?? "");
        const heading = slideHeading(slide.title, slide.lines);
        sections.push({ page: n + 1, heading, text: slide.lines.join("\n") });
        for (const { type, target } of (await relationsOf(file, path)).values()) {
          if (!type.endsWith("/notesSlide")) continue;
          const notes = slideIn(await file.read(target) ?? "");
          sections.push({ page: n + 1, heading, text: notes.lines.join("\n") });
        }
      }
      return { sections, pages: slides.length };
    },
  }],
});

/** A slide without a title is known by its first line, if that is short enough for one. */
export function slideHeading(title: string, lines: readonly string[]): string[] {
  const [first = ""] = lines;
  const heading = title || (first.length <= TITLE_LENGTH ? first : "");
  return heading === "" ? [] : [heading];
}

/** Paths of the slides, in the order of the show. */
async function slidesOf(file: OfficeFile): Promise<string[]> {
  const xml = await file.read(PRESENTATION);
  if (xml === undefined) throw new DocumentRefusedError("damaged", "it has no presentation");
  const relations = await relationsOf(file, PRESENTATION);
  const slides: string[] = [];
  readXml(xml, {
    open(name, attribute) {
      if (!name.endsWith("sldId")) return;
      const target = relations.get(attribute("r:id") ?? "")?.target;
      if (target !== undefined) slides.push(target);
    },
    close() {},
    text() {},
  });
  return slides;
}

/** What a part of the file refers to, by the id of each reference. */
async function relationsOf(
  file: OfficeFile,
  path: string,
): Promise<Map<string, { type: string; target: string }>> {
  const relations = new Map<string, { type: string; target: string }>();
  const xml = await file.read(path.replace(/([^/]+)$/, "_rels/$1.rels"));
  if (xml === undefined) return relations;
  readXml(xml, {
    open(name, attribute) {
      if (name !== "Relationship" || attribute("TargetMode") === "External") return;
      const target = resolvePath(path, attribute("Target") ?? "");
      relations.set(attribute("Id") ?? "", { type: attribute("Type") ?? "", target });
    },
    close() {},
    text() {},
  });
  return relations;
}

/** Paragraphs and table rows of a slide; fields such as its number are left out. */
function slideIn(xml: string): { title: string; lines: string[] } {
  const lines: string[] = [];
  let title = "";
  let inTitle = false;
  let inText = false;
  let inField = false;
  let paragraph = "";
  let row: string[] | undefined;
  readXml(xml, {
    open(name, attribute) {
      if (name === "p:sp") inTitle = false;
      if (name === "p:ph") inTitle = /^(title|ctrTitle)$/.test(attribute("type") ?? "");
      if (name === "a:fld") inField = true;
      if (name === "a:t") inText = true;
      if (name === "a:br") paragraph += " ";
      if (name === "a:tr") row = [];
      if (name === "a:tc") paragraph = "";
    },
    text(text) {
      if (inText && !inField) paragraph += text;
    },
    close(name) {
      if (name === "a:t") inText = false;
      if (name === "a:fld") inField = false;
      if (name === "a:tc") {
        row?.push(paragraph.trim());
        paragraph = "";
      }
      if (name === "a:tr" && row !== undefined) {
        lines.push(row.join(" | "));
        row = undefined;
      }
      if (name !== "a:p") return;
      if (row !== undefined) {
        paragraph += " ";
        return;
      }
      const line = paragraph.trim();
      if (line !== "") lines.push(line);
      if (inTitle && line !== "") title = `${title} ${line}`.trim();
      paragraph = "";
    },
  });
  return { title, lines };
}
