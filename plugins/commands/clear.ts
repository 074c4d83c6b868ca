/** `/clear`: forgets the conversation of this chat; documents stay. */
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "clear",
  commands: [{
    name: "clear",
    description: "command-clear",
    async run({ ask, reply, t, user, chat }) {
      const forgotten = await ask("db.clearConversation", { userId: user.id, chatId: chat.id });
      await reply(t(forgotten > 0 ? "clear-done" : "clear-nothing"));
    },
  }],
});
