/** `/language`: which language the bot speaks with the user, from now on. */
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "language",
  commands: [{
    name: "language",
    description: "command-language",
    async run({ reply, t }) {
      await reply(t("language-question"), {
        buttons: [[
          { text: "English", data: "language:en" },
          { text: "Русский", data: "language:ru" },
        ]],
      });
    },
  }],
  buttons: [{
    name: "language",
    async run(context, argument, message) {
      await context.setLanguage(argument === "ru" ? "ru" : "en");
      await message.edit(context.t("language-done"));
    },
  }],
});
