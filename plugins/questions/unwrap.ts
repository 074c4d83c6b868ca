/** Lines as their author meant them: a page's line breaks are those of its width, not of its sense. */

/** A line at least this much of the longest one was broken as there was no more room. */
const FULL = 0.75;
/** Shorter lines than this are a list or a table. */
const MIN_WIDTH = 40;

/** The text's lines, with those joined that only the width of a page has parted. */
export function unwrapped(text: string): string[] {
  const lines = text.split(/\n+/).filter((line) => line.trim() !== "");
  const width = Math.max(...lines.map((line) => line.length));
  const joined: string[] = [];
  let goesOn = false;
  for (const line of lines) {
    const last = joined.at(-1);
    if (goesOn && last !== undefined) joined[joined.length - 1] = `${last} ${line}`;
    else joined.push(line);
    goesOn = width >= MIN_WIDTH && line.length >= width * FULL && !line.includes(" | ") &&
      !/[.!?:;]$/.test(line);
  }
  return joined;
}
