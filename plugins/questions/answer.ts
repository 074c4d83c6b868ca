/** Any text that no other plugin claims is a question about the active document. */
import { citedPlaces } from "../../lib/ai/citations.ts";
import { placeLabel } from "../../lib/ai/place.ts";
import type { DocumentInfo } from "../../lib/library.ts";
import { type Button, definePlugin, type PluginContext } from "../plugin.ts";
import { type Answer, answerQuestion } from "./answering.ts";
import { unwrapped } from "./unwrap.ts";

const REMEMBERED_TURNS = 5;
const SHOWN_CITATIONS = 8;
const BUTTONS_IN_ROW = 4;
const NAME_LENGTH = 30;
/** Of a cited page; a chapter of a book is longer. */
const SHOWN_LETTERS = 8_000;
const QUOTAS = { minute: "perMinute", day: "perDay" } as const;

export default definePlugin({
  name: "answer",
  texts: [{
    claims: () => true,
    async run(context, question) {
      const { ask, reply, settings, t, user, chat } = context;
      const documents = await ask("db.chosenDocuments", { userId: user.id });
      if (documents.length === 0) {
        await reply(t("question-no-document"));
        return;
      }
      const usedUp = await ask("db.takeQuestion", { userId: user.id, ...settings.quotas });
      if (usedUp !== undefined) {
        await reply(t(`quota-${usedUp}`, { count: settings.quotas[QUOTAS[usedUp]] }));
        return;
      }
      context.typing();
      const where = { userId: user.id, chatId: chat.id };
      const answer = await answerQuestion(
        context,
        documents,
        question,
        () => ask("db.readConversation", { ...where, limit: REMEMBERED_TURNS }),
      );
      // Before the reply: whatever fails after it would have the user answered twice.
      const { turnId } = await ask("db.saveTurn", {
        ...where,
        question,
        answer: answer.text,
        cached: answer.source === "cache" ? 1 : 0,
        promptTokens: answer.promptTokens,
        answerTokens: answer.answerTokens,
      });
      await reply(answer.text, { buttons: buttonsUnder(context, documents, answer, turnId) });
    },
  }],
  buttons: [
    {
      name: "show",
      async run({ ask, escape, language, reply, t, user }, argument) {
        const [documentId, page] = argument.split(":").map(Number);
        const found = documentId === undefined || page === undefined
          ? undefined
          : await ask("db.readPage", {
            userId: user.id,
            documentId,
            page,
            letters: SHOWN_LETTERS,
          });
        if (found === undefined || page === undefined) {
          await reply(t("document-gone"));
          return;
        }
        const lines = unwrapped(found.text).map((line) => `> ${escape(line)}`);
        const place = placeLabel(found.unit, page, language);
        const head = `**${escape(found.name)}** · **${place}**`;
        const rest = found.isWhole ? [] : [t("page-goes-on")];
        await reply([head, lines.join("\n"), ...rest].join("\n\n"));
      },
    },
    {
      name: "again",
      async run({ ask, handleText, reply, t, user }, turnId) {
        const question = await ask("db.readQuestion", {
          userId: user.id,
          turnId: Number(turnId),
        });
        if (question === undefined) await reply(t("question-forgotten"));
        else await handleText(question);
      },
    },
  ],
});

/** The cited pages, to be read word for word; or another try where the AI has failed. */
function buttonsUnder(
  { language, t }: PluginContext,
  documents: readonly DocumentInfo[],
  { failed, source, text }: Answer,
  turnId: number,
): Button[][] {
  if (failed !== undefined) return [[{ text: t("button-again"), data: `again:${turnId}` }]];
  // Passages that stand in for an answer are word for word already.
  if (source === "passages") return [];
  const buttons = citedPlaces(text, documents)
    // A sheet may be as long as a book, and its answer shows the rows it rests on.
    .filter(({ document }) => document.unit !== "sheet")
    .slice(0, SHOWN_CITATIONS)
    .map(({ document, page }) => ({
      text: documents.length > 1
        ? `${shortName(document.name)}, ${placeLabel(document.unit, page, language)}`
        : placeLabel(document.unit, page, language),
      data: `show:${document.id}:${page}`,
    }));
  const inRow = documents.length > 1 ? 1 : BUTTONS_IN_ROW;
  const rows: Button[][] = [];
  for (let n = 0; n < buttons.length; n += inRow) rows.push(buttons.slice(n, n + inRow));
  return rows;
}

function shortName(name: string): string {
  return name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name;
}
