/**
 * Dead letters for the operator: `dead list`, `dead retry` and `dead drop`, on
 * PostgreSQL beside the running bot, or on the embedded database without it.
 */
import { parseArgs } from "node:util";
import { type Config, ConfigError, readConfig, secretsOf } from "../config.ts";
import { createDatabase, type Database } from "../db/database.ts";
import { DirectoryInUseError } from "../db/embedded.ts";
import { configureLogging } from "../log.ts";
import { type BuriedLetter, dropDead, listDead } from "../telegram/dead_letters.ts";
import { createUpdateQueue } from "../telegram/update_queue.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_CONFIG = 78;
const USAGE = "Usage: deno task dead list | retry ID… | retry --all | drop ID… | drop --all";

/** What was asked for; the ids are Telegram's `update_id`s. */
interface Command {
  verb: "list" | "retry" | "drop";
  ids: readonly number[] | "all";
}

/** Runs one command; gives the exit code. */
export async function runDead(config: Config, args: readonly string[]): Promise<number> {
  const command = commandIn(args);
  if (command === undefined) {
    console.error(USAGE);
    return EXIT_USAGE;
  }
  const directory = `${config.dataDir}/database`;
  const { url } = config.database;
  if (url === undefined && !(await isThere(directory))) {
    console.error(
      `Cannot find the bot's database: there is none in '${directory}', and DATABASE_URL is not set`,
    );
    return EXIT_FAILURE;
  }
  const database = createDatabase({ url, directory });
  try {
    await database.connect();
    await database.migrate();
    return await run(database, command);
  } catch (error) {
    console.error(describe(error));
    return EXIT_FAILURE;
  } finally {
    await database.close();
  }
}

function commandIn(args: readonly string[]): Command | undefined {
  let parsed;
  try {
    const options = { all: { type: "boolean" } } as const;
    parsed = parseArgs({ args: [...args], allowPositionals: true, options });
  } catch {
    return undefined;
  }
  const { positionals: [verb, ...texts], values: { all = false } } = parsed;
  if (verb === "list") return texts.length === 0 ? { verb, ids: "all" } : undefined;
  if (verb !== "retry" && verb !== "drop") return undefined;
  const areIds = texts.every((text) => /^\d{1,15}$/.test(text));
  if (!areIds || all === texts.length > 0) return undefined;
  return { verb, ids: all ? "all" : texts.map(Number) };
}

async function run(database: Database, { verb, ids }: Command): Promise<number> {
  const letters = await listDead(database.sql, ids);
  const found = new Set(letters.map(({ updateId }) => updateId));
  const missing = ids === "all" ? [] : ids.filter((id) => !found.has(id));
  if (missing.length > 0) {
    console.error(`Cannot ${verb} what is no dead letter: ${missing.join(", ")}`);
    return EXIT_FAILURE;
  }
  if (verb === "list") list(letters);
  else if (verb === "retry") return await retry(database, letters);
  else {
    for (const letter of letters) await dropDead(database.sql, letter);
    console.log(`Dropped ${letters.length}`);
  }
  return 0;
}

function list(letters: readonly BuriedLetter[]): void {
  if (letters.length === 0) return console.log("There are no dead letters");
  for (const { updateId, diedAt, tries, chatKey, update, reason } of letters) {
    // What was said stays in the database: a terminal is no place for it.
    const kind = Object.keys(update).find((key) => key !== "update_id") ?? "update";
    console.log(
      `${updateId}  ${diedAt.toISOString()}  chat ${chatKey}  ${kind}  ${tries} tries: ${reason}`,
    );
  }
}

async function retry(database: Database, letters: readonly BuriedLetter[]): Promise<number> {
  // Each letter knows its bot.
  const queue = createUpdateQueue({ kind: database.kind, sql: () => database.sql, botId: 0 });
  await queue.open();
  try {
    const revived = await queue.revive(letters);
    console.log(`${revived.length} will be handled once more`);
    const kept = letters.filter((letter) => !revived.includes(letter));
    if (kept.length === 0) return 0;
    const ids = kept.map(({ updateId }) => updateId).join(", ");
    console.error(`Cannot retry what is only just being ended, try again in a minute: ${ids}`);
    return EXIT_FAILURE;
  } finally {
    await queue.close();
  }
}

async function isThere(directory: string): Promise<boolean> {
  return await Deno.stat(`${directory}/files/PG_VERSION`).then(() => true, () => false);
}

function describe(error: unknown): string {
  if (error instanceof DirectoryInUseError) {
    return "Cannot look at the dead letters while the bot runs on its embedded database: " +
      "stop it first, or let it run on a PostgreSQL server (DATABASE_URL)";
  }
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<number> {
  try {
    const config = readConfig(Deno.env.toObject());
    configureLogging({ ...config.log, level: "error", secrets: secretsOf(config) });
    return await runDead(config, Deno.args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return EXIT_CONFIG;
  }
}

if (import.meta.main) Deno.exit(await main());
