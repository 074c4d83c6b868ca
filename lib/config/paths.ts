/**
 * Prints the folders that the bot may write to, for the permissions of the
 * task that starts it: where the operator put its data decides.
 */
import { dirname, resolve } from "node:path";

const dataDir = Deno.env.get("DATA_DIR")?.trim() || "./data";
const metricsLog = Deno.env.get("METRICS_LOG")?.trim() || `${dataDir}/metrics.jsonl`;
const folders = new Set([resolve(dataDir), dirname(resolve(metricsLog))]);
console.log([...folders].join(","));
