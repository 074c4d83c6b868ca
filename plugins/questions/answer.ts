/** Any text that no other plugin claims is a question about the chosen documents. */
import { definePlugin } from "../plugin.ts";
import { answerQuestion } from "./answering.ts";
import { deliver } from "./deliver.ts";
import { takeQuota } from "./quota.ts";

const REMEMBERED_TURNS = 5;

export default definePlugin({
  name: "answer",
  texts: [{
    claims: () => true,
    async run(context, question) {
      const { ask, reply, t, user, chat } = context;
      const documents = await ask("db.chosenDocuments", { userId: user.id });
      if (documents.length === 0) {
        const all = await ask("db.listDocuments", { userId: user.id });
        await reply(t(all.length === 0 ? "question-no-document" : "question-none-chosen"));
        return;
      }
      if (!await takeQuota(context)) return;
      context.typing();
      const where = { userId: user.id, chatId: chat.id };
      const answer = await answerQuestion(
        context,
        documents,
        question,
        () => ask("db.readConversation", { ...where, limit: REMEMBERED_TURNS }),
      );
      await deliver(context, { documents, question, answer });
    },
  }],
  buttons: [
    {
      name: "again",
      async run({ ask, handleText, reply, t, user }, turnId) {
        const turn = await ask("db.readTurn", { userId: user.id, turnId: Number(turnId) });
        if (turn === undefined) await reply(t("question-forgotten"));
        else await handleText(turn.question);
      },
    },
  ],
});
