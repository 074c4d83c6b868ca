/** How long, how much and with which chance the chaos suite runs: short unless `--long` is given. */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    long: { type: "boolean", default: false },
    minutes: { type: "string" },
    updates: { type: "string" },
    chats: { type: "string" },
    kills: { type: "string" },
    seed: { type: "string" },
    logs: { type: "string" },
  },
});
const isLong = values.long;

export const options = {
  minutes: Number(values.minutes ?? (isLong ? 5 : 0.1)),
  /** Of all chats together, spread over the minutes. */
  updates: Number(values.updates ?? (isLong ? 60_000 : 2_000)),
  chats: Number(values.chats ?? (isLong ? 60 : 40)),
  /** Of the process with the embedded database. */
  kills: Number(values.kills ?? (isLong ? 50 : 5)),
  seed: Number(values.seed ?? crypto.getRandomValues(new Uint16Array(1))[0]),
  /** A folder that keeps what the replicas have logged. */
  logs: values.logs,
};
