/**
 * Documents without pages of their own get parts: a citation "part 3" names a
 * stretch of about a printed page, always the same for the same file.
 */
import type { Section } from "../library.ts";

/** Letters in a part, about; only a paragraph longer than this is divided between parts. */
const PART_LENGTH = 3_000;

export interface Block {
  text: string;
  /** 1 to 6 for a heading. */
  level?: number;
  /** A table's row: rows belong together more than paragraphs do. */
  row?: boolean;
}

/** Gathers blocks into sections: a new one at each heading, and where a part is full. */
export function partsOf(blocks: Iterable<Block>): Section[] {
  return gather(blocks, 1, PART_LENGTH);
}

/** Gathers the blocks of one page, slide or chapter into sections: a new one at each heading. */
export function sectionsOf(page: number, blocks: Iterable<Block>): Section[] {
  return gather(blocks, page, Infinity);
}

function gather(blocks: Iterable<Block>, firstPage: number, pageLength: number): Section[] {
  const sections: Section[] = [];
  const headings: string[] = [];
  let lines: string[] = [];
  let page = firstPage;
  let filled = 0;

  const close = () => {
    const text = lines.join("\n").trim();
    if (text !== "") sections.push({ page, heading: headings.filter(Boolean), text });
    lines = [];
  };
  for (const { text, level, row } of dividedBlocks(blocks)) {
    if (filled > 0 && filled + text.length > pageLength) {
      close();
      page++;
      filled = 0;
    }
    filled += text.length;
    if (level !== undefined) {
      close();
      headings.length = level - 1;
      headings[level - 1] = text;
      // A heading is found also where nothing stands under it.
      lines.push(text);
    } else lines.push(row ? text : `${text}\n`);
  }
  close();
  return sections;
}

/** Blocks that are longer than a part, by their lines or sentences. */
function* dividedBlocks(blocks: Iterable<Block>): Generator<Block> {
  for (const block of blocks) {
    if (block.text.length <= PART_LENGTH) {
      if (block.text !== "") yield block;
      continue;
    }
    let text = "";
    for (const piece of block.text.split(/(?<=\n)|(?<=[.!?…]\s)/)) {
      if (text !== "" && text.length + piece.length > PART_LENGTH) {
        yield { ...block, text };
        text = "";
      }
      text += piece;
    }
    yield { ...block, text };
  }
}
