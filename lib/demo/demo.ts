/**
 * The demo: the real bot with everything embedded, speaking HTTP to a Bot API
 * server of our own exactly as it would to Telegram. A short scripted chat in
 * the terminal, then a page to chat in.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Config } from "../config.ts";
import type { StartSystem } from "../running.ts";
import { stepLine, stopOnSignal } from "../terminal/bot.ts";
import { type BotApiServer, startBotApiServer } from "./bot_api_server.ts";
import { SAMPLE_QUESTIONS, sampleFile } from "./sample.ts";

/** Not a secret: the local server knows no other bot. */
const TOKEN = "1000000001:demo";
/** Somebody who is not the visitor of the page. */
const SCRIPTED_USER = { id: 7_000_000, firstName: "Ada", languageCode: "en" };
const READY_MS = 60_000;
const ANY_PORT = 0;
const EXIT_FAILURE = 1;

/** Plays the script, and unless told `--once` serves the chat page until a signal. */
export async function runDemo(
  startSystem: StartSystem,
  config: Config,
  args: readonly string[],
): Promise<number> {
  const { values: { once } } = parseArgs({
    args: [...args],
    options: { once: { type: "boolean" } },
  });
  const server = await startServer(once === true ? ANY_PORT : config.http.port);
  console.log("Starting the bot with everything embedded; nothing leaves this machine.\n");
  const running = await startSystem(
    {
      ...config,
      telegram: { token: TOKEN, apiRoot: server.url },
      database: {},
      redis: {},
      dataDir: join(config.dataDir, "demo"),
      http: { host: "127.0.0.1", port: ANY_PORT },
      access: { adminIds: [] },
    },
    "bot",
    (step) => console.log(stepLine(step)),
  );
  using _signals = stopOnSignal(running, config.shutdownGraceMs);
  try {
    await running.started;
    await playScript(server);
    if (once === true) running.stop();
    else console.log(`\nNow you: open ${server.url} and drop a file of your own. Ctrl+C ends it.`);
    const { failure } = await running.ended;
    if (failure === undefined) return 0;
    throw failure;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  } finally {
    running.stop();
    await running.ended;
    await server.close();
  }
}

/** The server at `port`, or where that is taken at any other. */
async function startServer(port: number): Promise<BotApiServer> {
  const options = { token: TOKEN, sample: sampleFile };
  try {
    return await startBotApiServer({ ...options, port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return await startBotApiServer({ ...options, port: ANY_PORT });
  }
}

async function playScript(server: BotApiServer): Promise<void> {
  const user = server.user(SCRIPTED_USER);
  const sample = await sampleFile("en");
  const [first] = SAMPLE_QUESTIONS.en;
  if (first === undefined) return;

  const say = (who: string, text: string) => console.log(`\n${who}\n${text.replace(/^/gm, "  ")}`);
  const tell = async (label: string, send: () => number | Promise<number>, until: RegExp) => {
    const seen = user.messages().length;
    const begun = performance.now();
    await send();
    const messages = await user.waitFor(
      (all) =>
        all.slice(seen).some((message) => message.from === "bot" && until.test(message.text)),
      READY_MS,
    );
    const ms = performance.now() - begun;
    const answer = messages.findLast((message) => message.from === "bot");
    say(`Bot (${Math.round(ms)} ms)${label}`, readable(answer?.text ?? ""));
    return ms;
  };

  say("Ada", `📎 ${sample.name}`);
  await tell("", () => user.sendFile(sample), /ready/);
  say("Ada", first.question);
  const uncached = await tell("", () => user.sendText(first.question), new RegExp(first.place));
  say("Ada", `${first.question} (once more)`);
  const again = () => user.sendText(first.question);
  const cached = await tell(", from the cache", again, new RegExp(first.place));
  console.log(
    `\nThe same answer took ${uncached.toFixed(0)} ms at first and ${
      cached.toFixed(0)
    } ms from the cache.`,
  );
}

/** Telegram's HTML as a terminal shows it: quotes behind a bar, the rest without its tags. */
function readable(html: string): string {
  return html
    .replace(/<blockquote>(.*?)<\/blockquote>/gs, (_, quote) => quote.replace(/^/gm, "│ "))
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
