/** A plugin for tests of memory: collects what is garbage, and tells what is left. */
import { definePlugin } from "../../../plugins/plugin.ts";

/** There with the flag `--expose-gc`. */
const { gc: collect = () => {} } = globalThis as { gc?: () => void };

export default definePlugin({
  name: "heap",
  texts: [{
    claims: (text) => text === "heap",
    async run({ reply, escape }) {
      collect();
      // What a first collection lets go of may have held more.
      await new Promise((resolve) => setTimeout(resolve, 100));
      collect();
      const { rss, heapUsed, external } = Deno.memoryUsage();
      await reply(escape(JSON.stringify({ rss, heap: heapUsed + external })));
    },
  }],
});
