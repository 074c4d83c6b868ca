/**
 * Memory, garbage collected: idle, after ten thousand chats that have a history,
 * and over a steady load: `deno task bench --only memory [--minutes N]`.
 */
import postgres from "postgres";
import { startOurs } from "../support/load/bots.ts";
import { COLLECTABLE, type Memory, memoryOf, slope, textOf } from "../support/load/memory.ts";
import { startLoadTelegram } from "../support/load/telegram.ts";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";

const CHATS = 10_000;
/** What each chat has said and was answered before, and says now. */
const TURNS = 5;
const MESSAGES = 3;
/** So many that what the process holds of the system has found its level. */
const WARM_UP = 30_000;
const STEADY = { chats: 50, perSecond: 50, connections: 50 };
const SAMPLES = 20;

/** @param minutes of the steady load */
export async function benchMemory(minutes: number): Promise<[]> {
  if (missingServices !== undefined) return [];
  await using telegram = startLoadTelegram();
  await using folder = await emptyFolder();
  await using services = await emptyDatabase();
  await using bot = await startOurs(telegram.url, {
    DATA_DIR: folder.path,
    DATABASE_URL: services.url,
    REDIS_URL: services.redisUrl,
    ...COLLECTABLE,
  });
  const load = (
    { chats, updates, perSecond }: { chats: number; updates: number; perSecond?: number },
  ) =>
    telegram.flood({
      hosts: [bot.host],
      connections: STEADY.connections,
      chats,
      updates,
      text: textOf,
      ...(perSecond !== undefined && { perSecond }),
    });
  const memory = () => memoryOf(telegram, bot);

  console.log("| memory | held by the process | objects |");
  console.log("| --- | ---: | ---: |");
  report("started", await memory());
  await load({ chats: STEADY.chats, updates: WARM_UP });
  report("idle, after 50 chats", await memory());
  await remember(services.url);
  await load({ chats: CHATS, updates: CHATS * MESSAGES });
  report(`after ${CHATS} chats`, await memory());
  const samples: Memory[] = [];
  const updates = Math.round(STEADY.perSecond * minutes * 60 / SAMPLES);
  for (let n = 0; n < SAMPLES; n++) {
    await load({ ...STEADY, updates });
    samples.push(await memory());
  }
  report(`after ${minutes} min at ${STEADY.perSecond} a second`, samples.at(-1));
  const anHour = (pick: (each: Memory) => number) =>
    `${(slope(samples.map(pick)) * SAMPLES / minutes * 60).toFixed(1)} MB/h`;
  console.log(`| its slope | ${anHour(({ rss }) => rss)} | ${anHour(({ heap }) => heap)} |`);
  return [];
}

/** Gives each chat its history, as a bot would that has run for long. */
async function remember(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql`
    insert into users (id, name, language)
    select id, 'Ada', 'en' from generate_series(1000, ${1_000 + CHATS - 1}) id
    on conflict do nothing`;
  await sql`
    insert into turns (user_id, chat_id, question, answer)
    select id, id, repeat('What was asked? ', 5), repeat('What was answered. ', 30)
    from generate_series(1000, ${1_000 + CHATS - 1}) id, generate_series(1, ${TURNS})`;
  await sql.end();
}

function report(name: string, memory: Memory | undefined): void {
  const cell = (value = NaN) => `${value.toFixed(1)} MB`;
  console.log(`| ${name} | ${cell(memory?.rss)} | ${cell(memory?.heap)} |`);
}
