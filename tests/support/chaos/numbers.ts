/**
 * A plugin for tests that count: a text that is a number is answered with the
 * same number, and with the process that answered.
 */
import { definePlugin } from "../../../plugins/plugin.ts";

export default definePlugin({
  name: "numbers",
  texts: [{
    claims: (text) => /^\d+$/.test(text),
    async run({ reply }, text) {
      await reply(`${text} by ${Deno.pid}`);
    },
  }],
});
