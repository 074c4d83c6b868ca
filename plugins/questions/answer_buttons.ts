/** The buttons under an answer. */
import { citedPlaces } from "../../lib/ai/citations.ts";
import { placeLabel } from "../../lib/ai/place.ts";
import type { DocumentInfo } from "../../lib/library.ts";
import type { Button, PluginContext } from "../plugin.ts";
import { shortName } from "../short_name.ts";
import type { Answer } from "./answering.ts";
import { speakButtons } from "./speak.ts";

const SHOWN_CITATIONS = 8;
const BUTTONS_IN_ROW = 4;
const NAME_LENGTH = 30;

/**
 * The cited pages, to be read word for word, and the answer read aloud where the
 * AI can speak; or another try where the AI has failed.
 *
 * @param again the data of the button for another try
 */
export function buttonsUnder(
  context: PluginContext,
  documents: readonly DocumentInfo[],
  { failed, source, text }: Answer,
  { turnId, again }: { turnId: number; again: string },
): Button[][] {
  const { language, t } = context;
  if (failed !== undefined) return [[{ text: t("button-again"), data: again }]];
  // Passages that stand in for an answer are word for word already.
  if (source === "passages") return [];
  const buttons = citedPlaces(text, documents)
    // A sheet may be as long as a book, and its answer shows the rows it rests on.
    .filter(({ document }) => document.unit !== "sheet")
    .slice(0, SHOWN_CITATIONS)
    .map(({ document, page }) => ({
      text: documents.length > 1
        ? `${shortName(document.name, NAME_LENGTH)}, ${placeLabel(document.unit, page, language)}`
        : placeLabel(document.unit, page, language),
      data: `show:${document.id}:${page}:${turnId}`,
    }));
  const inRow = documents.length > 1 ? 1 : BUTTONS_IN_ROW;
  const rows: Button[][] = [];
  for (let n = 0; n < buttons.length; n += inRow) rows.push(buttons.slice(n, n + inRow));
  return [...rows, ...speakButtons(context, turnId)];
}
