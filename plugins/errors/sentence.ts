/** What failed, as a sentence that says what to do next. The log has the rest. */
import { definePlugin } from "../plugin.ts";

/** Errors that a user can do something about, by their class names. */
const SENTENCES: Readonly<Record<string, string>> = {
  OverloadedError: "error-busy",
  AskTimeoutError: "error-timeout",
  TimeoutError: "error-timeout",
  DownloadError: "error-download",
};

export default definePlugin({
  name: "sentence",
  errors: {
    async run({ reply, t }, error) {
      const name = error instanceof Error ? error.name : "";
      await reply(t(SENTENCES[name] ?? "error-unexpected"));
    },
  },
});
