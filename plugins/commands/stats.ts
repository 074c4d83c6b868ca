/** `/stats`: what the user has used so far. */
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "stats",
  commands: [{
    name: "stats",
    description: "command-stats",
    async run({ ask, reply, t, user }) {
      const stats = await ask("db.readStats", { userId: user.id });
      await reply(t("stats", {
        documents: stats.documents,
        pages: stats.pages,
        questions: stats.questions,
        today: stats.questionsToday,
        cached: stats.cached,
      }));
    },
  }],
});
