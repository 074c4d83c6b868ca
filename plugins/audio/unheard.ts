/** Voice notes and recordings, as long as no AI that can hear is configured. */
import { definePlugin } from "../plugin.ts";

export default definePlugin({
  name: "unheard",
  audio: {
    async run({ reply, t }) {
      await reply(t("audio-unsupported"));
    },
  },
});
