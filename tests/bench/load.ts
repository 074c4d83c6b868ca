/**
 * Many chats at once by webhook: the bot as one process and as two, on PostgreSQL
 * and Redis, beside a bare grammY echo bot under the same deliveries in the same
 * run. Rounds alternate, since others may use the machine as well.
 */
import postgres from "postgres";
import { emptyDatabase, emptyFolder, missingServices } from "../support/storage.ts";
import { type LoadedBot, startBare, startOurs } from "../support/load/bots.ts";
import { cpuMs } from "../support/load/cpu.ts";
import { inSlices } from "../support/load/slices.ts";
import { type LoadTelegram, startLoadTelegram } from "../support/load/telegram.ts";
import { type Row, row } from "./measure.ts";

const ROUNDS = 3;
const CONNECTIONS = 50;
const CHATS = 200;
const UPDATES = 3_000;
const WARM_UP = 1_000;
/** Two replicas beside one, each in its own slices of time. */
const PAIRS = 10;
/** Of each replica. */
const SLICED_WARM_UP = 1_500;
/** More chats than both handle at once, over as many connections as Telegram opens at the most. */
const SLICED = { updates: 2_000, chats: 400, connections: 100 };
/** The run that asks how long a reply takes when nothing is in a hurry. */
const CALM = { chats: 50, perSecond: 50, updates: 50 * 20, connections: 50 };

/** One or more replicas on a database of their own, or the bare bot. */
interface Subject {
  name: string;
  bots: readonly LoadedBot[];
  /** CPU time of the server's processes that work for it, in milliseconds. */
  databaseCpuMs(): Promise<number>;
  /** Counts its rows, as the server itself does within a minute. */
  analyze(): Promise<unknown>;
}

const NO_DATABASE = {
  databaseCpuMs: () => Promise.resolve(0),
  analyze: () => Promise.resolve(),
};

interface Measured {
  perSecond: number;
  /** CPU time an update, in milliseconds. */
  bot: number;
  database: number;
  telegram: number;
  refused: number;
  latencies: number[];
}

export async function benchLoad(): Promise<Row[]> {
  if (missingServices !== undefined) return [];
  await using stack = new AsyncDisposableStack();
  const telegram = stack.use(startLoadTelegram());
  const bare: Subject = {
    name: "bare grammY",
    bots: [stack.use(await startBare(telegram.url))],
    ...NO_DATABASE,
  };
  const one = await replicas(stack, telegram, 1);
  const two = await replicas(stack, telegram, 2);
  const subjects = [bare, one, two];
  for (const subject of subjects) {
    await measure(telegram, subject, { updates: WARM_UP });
    await subject.analyze();
  }
  const results = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (let n = 0; n < ROUNDS; n++) {
    for (const subject of subjects) {
      results.get(subject)?.push(await measure(telegram, subject, { updates: UPDATES }));
    }
  }
  report(results, bare);
  await scaling(telegram, one, two);
  return await calm(telegram, bare, one, stack);
}

/**
 * Whether two replicas do twice as much when each has a processor, or as much of
 * one, for itself: pairs of rounds one after the other, as the machine's own speed
 * changes. By the time that it takes, and by the processor's time that the bots take.
 */
async function scaling(telegram: LoadTelegram, one: Subject, two: Subject): Promise<void> {
  const sliced = async (subject: Subject) => {
    await using slices = inSlices(subject.bots);
    // Who has stood still for a while is slower at first, each of them.
    await measure(telegram, subject, {
      ...SLICED,
      updates: SLICED_WARM_UP * subject.bots.length,
    });
    const { perSecond, bot } = await measure(telegram, subject, SLICED);
    return { perSecond, bot, share: slices.share() };
  };
  console.log("\n| each for a quarter of the time | one replica | two | times | by CPU | share |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  const all: { times: number; byCpu: number }[] = [];
  for (let n = 0; n < PAIRS; n++) {
    // In turn the one and the other go first, as the machine may tire or recover.
    const early = n % 2 === 0 ? await sliced(one) : undefined;
    const both = await sliced(two);
    const alone = early ?? await sliced(one);
    const times = both.perSecond / alone.perSecond;
    const byCpu = 2 * alone.bot / both.bot;
    all.push({ times, byCpu });
    const share = ((alone.share + both.share) / 2 * 100).toFixed(1);
    const rates = [alone, both].map(({ perSecond, bot }) =>
      `${Math.round(perSecond)} (${bot.toFixed(2)} ms)`
    );
    const cells = [`pair ${n + 1}`, ...rates, times.toFixed(2), byCpu.toFixed(2), `${share} %`];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const times = median(all.map((pair) => pair.times)).toFixed(2);
  const byCpu = median(all.map((pair) => pair.byCpu)).toFixed(2);
  console.log(`| median | | | ${times} | ${byCpu} | |`);
}

async function calm(
  telegram: LoadTelegram,
  bare: Subject,
  services: Subject,
  stack: AsyncDisposableStack,
): Promise<Row[]> {
  const folder = stack.use(await emptyFolder());
  const bot = stack.use(await startOurs(telegram.url, { DATA_DIR: folder.path }));
  const embedded = { name: "embedded", bots: [bot], ...NO_DATABASE };
  const rows: Row[] = [];
  for (const [name, subject] of Object.entries({ bare, services, embedded })) {
    await measure(telegram, subject, { ...CALM, updates: WARM_UP / 5 });
    const { latencies } = await measure(telegram, subject, CALM);
    rows.push(row(`50 chats, a message a second each, update to reply (${name})`, latencies));
    const sorted = latencies.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
    console.log(`\n50 chats, a message a second each (${name}): 99 % within ${p99.toFixed(1)} ms`);
  }
  return rows;
}

async function replicas(
  stack: AsyncDisposableStack,
  telegram: LoadTelegram,
  count: number,
): Promise<Subject> {
  const folder = stack.use(await emptyFolder());
  const services = stack.use(await emptyDatabase());
  const sql = postgres(services.url, { max: 1, onnotice: () => {} });
  stack.defer(() => sql.end());
  const bots: LoadedBot[] = [];
  for (let n = 0; n < count; n++) {
    bots.push(stack.use(
      await startOurs(telegram.url, {
        DATABASE_URL: services.url,
        REDIS_URL: services.redisUrl,
        DATA_DIR: `${folder.path}/${n}`,
      }),
    ));
  }
  return {
    name: count === 1 ? "one replica" : `${count} replicas`,
    bots,
    analyze: () => sql`vacuum analyze`,
    async databaseCpuMs() {
      const backends = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database()
          and pid <> pg_backend_pid()`;
      return sum(await Promise.all(backends.map(({ pid }) => cpuMs(pid))));
    },
  };
}

async function measure(
  telegram: LoadTelegram,
  { bots, databaseCpuMs }: Subject,
  load: { updates: number; chats?: number; perSecond?: number; connections?: number },
): Promise<Measured> {
  const usage = async () => ({
    bot: sum(await Promise.all(bots.map((bot) => bot.cpuMs()))),
    database: await databaseCpuMs(),
    telegram: await cpuMs(Deno.pid),
  });
  const before = await usage();
  const { ms, latencies, refused } = await telegram.flood({
    hosts: bots.map(({ host }) => host),
    connections: CONNECTIONS,
    chats: CHATS,
    ...load,
  });
  const after = await usage();
  const { updates } = load;
  return {
    perSecond: updates / ms * 1_000,
    bot: (after.bot - before.bot) / updates,
    database: (after.database - before.database) / updates,
    telegram: (after.telegram - before.telegram) / updates,
    refused,
    latencies,
  };
}

function report(results: ReadonlyMap<Subject, readonly Measured[]>, bare: Subject): void {
  const baseline = median((results.get(bare) ?? []).map(({ perSecond }) => perSecond));
  console.log(
    "| under load | updates/s | rounds | of bare | CPU ms bot | database | Telegram | refused |",
  );
  console.log("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [{ name }, all] of results) {
    const rates = all.map(({ perSecond }) => perSecond);
    const of = (pick: (each: Measured) => number) => median(all.map(pick)).toFixed(2);
    const cells = [
      name,
      Math.round(median(rates)),
      rates.map(Math.round).join(", "),
      `${Math.round(median(rates) / baseline * 100)} %`,
      of(({ bot }) => bot),
      of(({ database }) => database),
      of(({ telegram }) => telegram),
      sum(all.map(({ refused }) => refused)),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sum([sorted[Math.floor(middle)] ?? NaN, sorted[Math.ceil(middle)] ?? NaN]) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
