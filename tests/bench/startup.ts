/** From the start of the process to ready: with servers, and embedded, where the first start creates. */
import { startBotApiServer } from "../../lib/demo/bot_api_server.ts";
import { startProcess } from "../support/process.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { type Row, row } from "./measure.ts";

const TIMES = 5;
const TOKEN = "4242:bench";

export async function benchStartup(): Promise<Row[]> {
  const server = await startBotApiServer({ token: TOKEN });
  const rows: Row[] = [];
  try {
    const start = async (env: Record<string, string>): Promise<number> => {
      const begun = performance.now();
      await using bot = startProcess(["start"], {
        BOT_TOKEN: TOKEN,
        BOT_API_ROOT: server.url,
        PORT: "0",
        ...env,
      });
      await bot.logged(/Ready in/);
      const ms = performance.now() - begun;
      bot.kill("SIGTERM");
      await bot.exitCode;
      return ms;
    };
    const several = async (env: Record<string, string>) => {
      const times: number[] = [];
      for (let n = 0; n < TIMES; n++) times.push(await start(env));
      return times;
    };
    await using folder = await emptyFolder();
    if (missingServices === undefined) {
      await using services = await emptyDatabase();
      const env = {
        DATA_DIR: folder.path,
        DATABASE_URL: services.url,
        REDIS_URL: services.redisUrl,
      };
      rows.push(row("process to ready, services, empty database", [await start(env)]));
      rows.push(row("process to ready, services", await several(env)));
    }
    const embedded = { DATA_DIR: `${folder.path}/embedded` };
    rows.push(row("process to ready, embedded, created anew", [await start(embedded)]));
    rows.push(row("process to ready, embedded", await several(embedded)));
    return rows;
  } finally {
    await server.close();
  }
}
