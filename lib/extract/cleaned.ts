/** Text that others wrote, made fit to be stored and shown. Pure. */
import type { Section } from "../library.ts";

/** Signs of control but the tab and the line end, and those that turn the direction of writing. */
const UNFIT = /(?![\t\n])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Without what a database refuses and what would turn the text around it on a screen. */
export function cleaned({ page, heading, text }: Section): Section {
  return { page, heading: heading.map(clean).filter(Boolean), text: clean(text) };
}

function clean(text: string): string {
  return text.toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(UNFIT, "")
    .trim();
}
