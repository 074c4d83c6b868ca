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
      // The words are the same whoever says them, as an answer's are.
      await reply(text, { buttons: [[{ text: "by", data: String(Deno.pid) }]] });
    },
  }],
});
