/** A plugin for tests that kill: it answers by two messages, with time between them to die in. */
import { definePlugin } from "../../plugins/plugin.ts";

const PAUSE_MS = 1_500;

export default definePlugin({
  name: "two_messages",
  texts: [{
    claims: (text) => text === "twice",
    async run({ reply }) {
      await reply("first");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await reply("second");
    },
  }],
});
