/** Any text that no other plugin claims is a question about the active document. */
import { definePlugin } from "../plugin.ts";
import { answerQuestion } from "./answering.ts";

const REMEMBERED_TURNS = 5;
const QUOTAS = { minute: "perMinute", day: "perDay" } as const;

export default definePlugin({
  name: "answer",
  texts: [{
    claims: () => true,
    async run(context, question) {
      const { ask, reply, settings, t, user, chat } = context;
      const document = await ask("db.activeDocument", { userId: user.id });
      if (document === undefined) {
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
        [document],
        question,
        () => ask("db.readConversation", { ...where, limit: REMEMBERED_TURNS }),
      );
      // Before the reply: whatever fails after it would have the user answered twice.
      await ask("db.saveTurn", {
        ...where,
        question,
        answer: answer.text,
        cached: answer.source === "cache" ? 1 : 0,
        promptTokens: answer.promptTokens,
        answerTokens: answer.answerTokens,
      });
      await reply(answer.text);
    },
  }],
});
