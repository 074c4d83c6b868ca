/**
 * A cited page, word for word. Of one that is too long for a message, such as a
 * book's chapter, what the answer rests on.
 */
import { claimAt } from "../../lib/ai/citations.ts";
import { supportOf, termSet } from "../../lib/ai/evidence.ts";
import { placeLabel } from "../../lib/ai/place.ts";
import { definePlugin } from "../plugin.ts";
import { unwrapped } from "./unwrap.ts";

const SHOWN_LETTERS = 8_000;

export default definePlugin({
  name: "cited_page",
  buttons: [{
    name: "show",
    async run({ ask, escape, language, reply, t, user }, argument) {
      const [documentId = 0, page = 0, turnId = 0] = argument.split(":").map(Number);
      const found = await ask("db.readPage", { userId: user.id, documentId, page });
      if (found === undefined) {
        await reply(t("document-gone"));
        return;
      }
      const turn = await ask("db.readTurn", { userId: user.id, turnId });
      const claim = claimAt(turn?.answer ?? "", found.unit, page);
      const { first, last } = shownPassages(
        found.passages,
        (text) => supportOf(claim, termSet(text)),
      );
      const text = found.passages.slice(first, last + 1).join("\n").slice(0, SHOWN_LETTERS);
      const lines = unwrapped(text).map((line) => `> ${escape(line)}`);
      const place = placeLabel(found.unit, page, language);
      const blocks = [`**${escape(found.name)}** · **${place}**`, lines.join("\n")];
      if (first > 0) blocks.splice(1, 0, "…");
      if (first > 0 || last < found.passages.length - 1) blocks.push(t("page-goes-on"));
      await reply(blocks.join("\n\n"));
    },
  }],
});

/** As many passages around the one that supports the answer best as a message holds. */
export function shownPassages(
  passages: readonly string[],
  support: (text: string) => number,
): { first: number; last: number } {
  const length = (from: number, to: number) => passages.slice(from, to + 1).join("\n").length;
  let last = passages.length - 1;
  if (length(0, last) <= SHOWN_LETTERS) return { first: 0, last };
  const values = passages.map(support);
  let first = last = values.indexOf(Math.max(...values));
  // What follows says more of it than what stands before.
  while (last + 1 < passages.length && length(first, last + 1) <= SHOWN_LETTERS) last++;
  while (first > 0 && length(first - 1, last) <= SHOWN_LETTERS) first--;
  return { first, last };
}
