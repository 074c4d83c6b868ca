/** The built-in document formats, in the order in which a file is tried against them. */
import type { DocumentFormat } from "../plugin.ts";
import docx from "./docx.ts";
import pdf from "./pdf.ts";
import text from "./text.ts";

/** Text last: nearly anything can be taken for a text. */
export const formats: readonly DocumentFormat[] = [pdf, docx, text]
  .flatMap((plugin) => plugin.formats ?? []);
