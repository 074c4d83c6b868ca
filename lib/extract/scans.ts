/** Pages that are pictures: which of them are read, how large, and when a page counts as read. */
import { createRecogniser, type Picture, type Recogniser } from "./ocr.ts";
import type { ExtractContext } from "../../plugins/plugin.ts";

/** Read in one document; a reader's time allows for no more. */
export const MAX_SCANNED_PAGES = 60;
/** Less sure than this is no text: noise, a photograph of a cat, a language that is not known. */
const READABLE = 0.55;
const MIN_LETTERS = 8;

/** What the pictures say, by the index of each; those that cannot be read are left out. */
export async function readPictures(
  pictures: readonly (() => Promise<Picture>)[],
  { onScanned, ocrPart }: ExtractContext,
): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  const readable = pictures.slice(0, MAX_SCANNED_PAGES);
  await onScanned(0, readable.length);
  const recogniser: Recogniser = await createRecogniser(ocrPart);
  for (const [n, picture] of readable.entries()) {
    const { text, confidence } = await recogniser.recognise(await picture());
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    if (confidence >= READABLE && letters >= MIN_LETTERS) texts.set(n, text);
    await onScanned(n + 1, readable.length);
  }
  return texts;
}
