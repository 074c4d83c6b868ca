/**
 * The one place that knows everything: fills each actor's machine with its
 * adapters and lists the children in the order of their start. Long, since a
 * wiring that is spread over files is a wiring that nobody sees whole.
 *
 * Run as `main.ts start`, `demo`, `ask` or `eval`: see the tasks in `deno.json`.
 */
import { fromCallback, fromPromise } from "xstate";
import { type AiInput, aiMachine } from "./actors/ai.ts";
import { type AiReply, attemptMachine, type GenerateInput } from "./actors/attempt.ts";
import { type BotInput, botMachine, MAX_IN_FLIGHT, MAX_RECEIVING } from "./actors/bot.ts";
import { type CacheInput, cacheMachine, type CacheWork } from "./actors/cache.ts";
import { DatabaseUnavailableError, dbMachine, type DbServed } from "./actors/db.ts";
import { type DocumentInput, documentMachine, type IndexInput } from "./actors/document.ts";
import { embeddingMachine } from "./actors/embedding.ts";
import { healthMachine } from "./actors/health.ts";
import { httpMachine } from "./actors/http.ts";
import { type LibraryInput, libraryMachine, type LibraryWork } from "./actors/library.ts";
import { metricsMachine } from "./actors/metrics.ts";
import type { Ask, AskName, AsksOf, Body, IncomingUpdate } from "./actors/protocol.ts";
import type { ChildSpec } from "./actors/supervisor.ts";
import { AIHearingError, AIServiceError, AISpeakingError } from "./lib/ai/errors.ts";
import { createGemini } from "./lib/ai/gemini.ts";
import { createOpenAi } from "./lib/ai/openai.ts";
import { buildPrompt } from "./lib/ai/prompt.ts";
import type {
  EmbedRequest,
  Provider,
  SpeakReply,
  SpeakRequest,
  TranscribeReply,
  TranscribeRequest,
} from "./lib/ai/provider.ts";
import { ask, type System, tell } from "./lib/ask.ts";
import { createDemuxer } from "./lib/audio/demuxer.ts";
import { asDocument, listen } from "./lib/audio/listen.ts";
import { recordingFormat } from "./lib/audio/recording.ts";
import { batched } from "./lib/batched.ts";
import { createByteBudget } from "./lib/byte_budget.ts";
import { type CacheStore, createCacheStore } from "./lib/cache/store.ts";
import { type Config, ConfigError, readConfig, requireBotToken, secretsOf } from "./lib/config.ts";
import { crew } from "./lib/crew.ts";
import {
  createDatabase,
  type Database,
  isConnectionLost,
  type QueryName,
} from "./lib/db/database.ts";
import { tidy } from "./lib/db/housekeeping.ts";
import { vacuum } from "./lib/db/vacuum.ts";
import { wantLease } from "./lib/db/lease.ts";
import { runDemo } from "./lib/demo/demo.ts";
import { limitsMemory } from "./lib/extract/process.ts";
import { createSandbox, type Sandbox } from "./lib/extract/sandbox.ts";
import { createHealthChecker, type HealthChecker } from "./lib/health.ts";
import { healthProbes } from "./lib/health/probes.ts";
import { createApp } from "./lib/http/app.ts";
import { type HttpServer, serve } from "./lib/http/server.ts";
import {
  type AddedDocument,
  DocumentRefusedError,
  type Extracted,
  type HearRequest,
} from "./lib/library.ts";
import { configureLogging, logger } from "./lib/log.ts";
import { createMetrics } from "./lib/metrics.ts";
import { loadPlugins, settingsOf } from "./lib/plugins.ts";
import { createByMeaning } from "./lib/retrieval/by_meaning.ts";
import type { EmbeddedBatch } from "./lib/retrieval/embed_passages.ts";
import { search } from "./lib/retrieval/search.ts";
import { type Purpose, run, type Running, type StartStep } from "./lib/running.ts";
import { answerAsk, serving } from "./lib/serve.ts";
import { createTelegramApi } from "./lib/telegram/api.ts";
import { downloadFile } from "./lib/telegram/download.ts";
import { createHandling } from "./lib/telegram/handling.ts";
import { pollUpdates, signIn } from "./lib/telegram/intake.ts";
import { isWait } from "./lib/telegram/patience.ts";
import { createReplies } from "./lib/telegram/replies.ts";
import { createRouter } from "./lib/telegram/router.ts";
import { createSounds } from "./lib/telegram/sounds.ts";
import { createWakeUps } from "./lib/telegram/wake_ups.ts";
import { createUpdateQueue, type StoredUpdate } from "./lib/telegram/update_queue.ts";
import { tableReader } from "./lib/tables/table_reader.ts";
import { runAsk } from "./lib/terminal/ask.ts";
import { runEval } from "./lib/terminal/eval.ts";
import { runBot } from "./lib/terminal/bot.ts";
import { createPageFetcher } from "./lib/web/page_fetcher.ts";
import { loadTexts } from "./lib/texts/texts.ts";

/** `EX_CONFIG` of sysexits.h: something is wrong with the configuration. */
const EXIT_CONFIG = 78;
/** Files read at once; a reader may use a processor for itself. */
const READERS = 2;
const READ_TIMEOUT_MS = 60_000;
/** Of processes that cut recordings; two have room with a file of the usual limit each. */
const DEMUX_MEMORY_BYTES = 200 * 1024 * 1024;
/** For a small recording; a large one is granted more. */
const DEMUX_TIMEOUT_MS = 20_000;
/** All attempts at one part of a recording with their pauses, and the wait for a turn. */
const HEAR_TIMEOUT_MS = 5 * 60_000;
/** Of files that are being received; more wait. */
const MAX_BYTES_IN_WORK = 50 * 1024 * 1024;
const INDEX_TIMEOUT_MS = 60_000;
const PAGE_TIMEOUT_MS = 20_000;
/** How often a document's reading is checked for its sender's "cancel". */
const CANCEL_CHECK_MS = 500;
/** The rest of the grace is for the children below the bot. */
const DRAIN_SHARE = 0.7;

type Heard = Extract<TranscribeReply, { kind: "transcript" }>;
type Spoken = Extract<SpeakReply, { kind: "speech" }>;

/** Starts the whole system, or for the terminal its part without Telegram and HTTP. */
export async function startSystem(
  config: Config,
  purpose: Purpose,
  onStep: (step: StartStep) => void,
): Promise<Running> {
  const log = logger("main");
  await Deno.mkdir(config.dataDir, { recursive: true });
  const provider = providerOf(config);
  const database = createDatabase({
    url: config.database.url,
    directory: `${config.dataDir}/database`,
    onCreate: () => log.info("Creating the embedded database; this takes a few seconds, once"),
  });
  const cache = createCacheStore(config.redis.url);
  const children = [
    metricsChild(),
    databaseChild(database),
    cacheChild(cache, config),
    aiChild(provider, config),
    libraryChild(config, purpose, provider),
  ];
  // The HTTP and health actors tell of the system that they are part of.
  let running: Running | undefined;
  if (purpose === "bot") {
    const bot = await botChild(config, database, provider?.speaking);
    children.push(
      healthChild(config, database, cache, () => bot.queue.size()),
      httpChild(config, () => running),
      bot.child,
    );
  }
  return running = run(children, onStep);
}

function metricsChild(): ChildSpec {
  const metrics = createMetrics();
  return {
    id: "metrics",
    logic: metricsMachine.provide({
      actions: {
        record: ({ event }) => {
          if (event.type === "metrics.count") metrics.count(event.name, event.tags, event.by);
          if (event.type === "metrics.time") metrics.time(event.name, event.ms, event.tags);
          if (event.type === "metrics.gauge") metrics.gauge(event.name, event.value, event.tags);
        },
      },
      actors: {
        work: serving<AsksOf<"metrics">>((work) =>
          work.type === "metrics.render" ? metrics.render() : Promise.resolve(metrics.summary())
        ),
      },
    }),
  };
}

function databaseChild(database: Database): ChildSpec {
  return {
    id: "db",
    // Creating the embedded database takes seconds, and a server may be starting as well.
    startMs: 60_000,
    logic: dbMachine.provide({
      actors: {
        connect: fromPromise(() => database.connect()),
        migrate: fromPromise(() => database.migrate()),
        work: fromPromise<DbServed, AsksOf<"db">>(async ({ input, signal, system }) => {
          const begun = performance.now();
          const { type, replyTo: _, signal: __, ...body } = input;
          const query = type.slice("db.".length) as QueryName;
          const served = await answerAsk(
            input,
            signal,
            (either) =>
              database.run(query, body as never, either).catch((error) => {
                // Broken off in the middle or never begun: it is to be asked again, later.
                throw isConnectionLost(error)
                  ? new DatabaseUnavailableError({ cause: error })
                  : error;
              }),
          );
          tell(system, "metrics.time", { name: "db.query", ms: performance.now() - begun });
          return { ...served, lost: served.error instanceof DatabaseUnavailableError };
        }),
        close: fromPromise(() => database.close()),
      },
    }),
  };
}

function cacheChild(cache: CacheStore, { redis }: Config): ChildSpec {
  return {
    id: "cache",
    input: { hasRedis: redis.url !== undefined } satisfies CacheInput,
    logic: cacheMachine.provide({
      actors: {
        connection: fromCallback(({ sendBack }) => cache.connect(sendBack)),
        ping: fromPromise(async () => {
          await cache.ping();
        }),
        work: serving<CacheWork>((work) =>
          work.type === "cache.get"
            ? cache.get(work.where, work.key)
            : cache.set(work.where, work.key, work.value, work.ttlSeconds)
        ),
      },
    }),
  };
}

function aiChild(provider: Provider | undefined, { ai }: Config): ChildSpec {
  const generate = fromPromise<AiReply, GenerateInput>(
    async ({ input: { request, onText }, signal, system }) => {
      if (provider === undefined) throw new Error("Cannot generate as no AI is configured");
      if (request.type === "ai.embed") return await embed(system, provider, request, signal);
      if (request.type !== "ai.answer") {
        const sound = request.type === "ai.transcribe"
          ? await hear(provider, request, signal)
          : await speak(provider, request, signal);
        await countSound(system, request.userId, sound, signal);
        return sound;
      }
      let text = "";
      const generated = await provider.generate(
        buildPrompt(request),
        (chunk) => onText(text += chunk),
        signal,
      );
      return { kind: "answer", provider: provider.name, model: provider.model, ...generated };
    },
  );
  return {
    id: "ai",
    // Answers that are being written may end.
    stopMs: 30_000,
    input: {
      note: provider === undefined
        ? "none configured: answers are the best passages, word for word"
        : modelsNote(provider),
      hasProvider: provider !== undefined,
      concurrency: ai.concurrency,
      retry: { baseMs: ai.retryBaseMs, retries: ai.attempts },
    } satisfies AiInput,
    logic: aiMachine.provide({
      actors: { attempt: attemptMachine.provide({ actors: { generate } }) },
    }),
  };
}

/** The models that are used, as the operator reads them. */
function modelsNote({ name, model, speaking, embedding }: Provider): string {
  return [
    name,
    model,
    ...(speaking === undefined ? [] : [`spoken by ${speaking.voice}`]),
    ...(embedding === undefined ? [] : [`search by meaning with ${embedding.model}`]),
  ].join(", ");
}

async function hear(
  { hearing }: Provider,
  { audio }: TranscribeRequest,
  signal: AbortSignal,
): Promise<Heard> {
  if (hearing === undefined) {
    throw new AIHearingError("cannot_hear", "no model that hears is configured");
  }
  return { kind: "transcript", ...await hearing.transcribe(audio, signal) };
}

async function speak(
  { speaking }: Provider,
  { text, language }: SpeakRequest,
  signal: AbortSignal,
): Promise<Spoken> {
  if (speaking === undefined) throw new AISpeakingError("no model that speaks is configured");
  return { kind: "speech", ...await speaking.speak(text, language, signal) };
}

/** What was heard or said is worth more than its count. */
async function countSound(
  system: System,
  userId: number,
  { promptTokens, answerTokens }: Heard | Spoken,
  signal: AbortSignal,
): Promise<void> {
  const count = (kind: string, by: number) =>
    tell(system, "metrics.count", { name: "ai.tokens", tags: { kind }, by });
  count("prompt", promptTokens);
  count("answer", answerTokens);
  await ask(system, "db.countUsage", { userId, promptTokens, answerTokens }, { signal })
    .catch((error) => logger("ai").warn("Cannot count what a user has used: {error}", { error }));
}

async function embed(
  system: System,
  { embedding }: Provider,
  { texts, kind }: EmbedRequest,
  signal: AbortSignal,
): Promise<AiReply> {
  if (embedding === undefined) throw new AIServiceError("no model that embeds is configured");
  const { vectors, tokens } = await embedding.embed(texts, kind, signal);
  tell(system, "metrics.count", { name: "ai.tokens", tags: { kind: "embedding" }, by: tokens });
  return { kind: "vectors", vectors };
}

function libraryChild(
  config: Config,
  purpose: Purpose,
  provider: Provider | undefined,
): ChildSpec {
  const log = logger("library");
  let sandbox: Sandbox | undefined;
  const demux = createDemuxer({ memoryBytes: DEMUX_MEMORY_BYTES, timeoutMs: DEMUX_TIMEOUT_MS });
  /** The largest recording that one call to the AI takes, where it hears. */
  const maxAudioBytes = provider?.hearing?.maxBytes ?? Infinity;
  const { name = "", embedding } = provider ?? {};
  // Who asks once from the terminal would pay for vectors that nobody waits for.
  const meaning = purpose === "bot" && embedding !== undefined
    ? createByMeaning({
      model: `${name}/${embedding.model}`,
      batch: embedding.batch,
      cacheTtlSeconds: config.cacheTtlSeconds,
    })
    : undefined;
  /** Has a recording heard by the AiActor, part by part. */
  const hear = async (
    { userId, bytes }: HearRequest,
    system: System,
    signal: AbortSignal,
    onPart: (part: number, of: number) => void,
  ) => {
    const sha256 = await sha256Of(bytes);
    return await listen(bytes, {
      maxBytes: maxAudioBytes,
      demux,
      onPart,
      transcribe: (audio, ordinal, signal) =>
        ask(system, "ai.transcribe", { key: `${sha256} ${ordinal}`, userId, audio }, {
          signal,
          timeoutMs: HEAR_TIMEOUT_MS,
        }),
    }, signal);
  };
  const document = documentMachine.provide({
    actors: {
      watch: fromCallback<{ type: "none" }, Ask<"library.add">>(({ input, sendBack, system }) => {
        const { updateId } = input;
        if (updateId === undefined) return;
        const timer = setInterval(async () => {
          // While the database is away nobody can cancel, and the file is read on.
          const isCancelled = await ask(system, "db.isUploadCancelled", { updateId })
            .catch(() => false);
          if (isCancelled) sendBack({ type: "cancelled" });
        }, CANCEL_CHECK_MS);
        return () => clearInterval(timer);
      }),
      recognise: fromPromise(async ({ input: { ask: { userId, bytes } }, signal, system }) => {
        const sha256 = await sha256Of(bytes);
        const known = await ask(system, "db.recogniseDocument", { userId, sha256 }, { signal });
        if (known !== undefined) return { sha256, document: known };
        const used = await ask(system, "db.libraryUsage", { userId }, { signal });
        if (!fits(used, bytes.length, config.library)) {
          throw new DocumentRefusedError("library_full", "its owner has as many as may be kept");
        }
        return { sha256, isRecording: recordingFormat(bytes) !== undefined };
      }),
      extract: fromPromise<Extracted, DocumentInput>(({ input: { ask }, signal }) => {
        if (sandbox === undefined) throw new Error("Cannot read files as the library is closed");
        const { name, bytes, depth = 0 } = ask;
        const onScanned = (done: number, of: number) =>
          ask.replyTo.chunk({ stage: "scanning", done, of });
        const signals = AbortSignal.any([signal, ask.signal]);
        return sandbox.extract({ name, bytes, depth, onScanned }, signals);
      }),
      listen: fromPromise<Extracted, DocumentInput>(async ({ input: { ask }, signal, system }) => {
        const onPart = (part: number, of: number) =>
          ask.replyTo.chunk({ stage: "listening", part, of });
        return asDocument(
          await hear(ask, system, AbortSignal.any([signal, ask.signal]), onPart),
        );
      }),
      index: fromPromise<AddedDocument, IndexInput>(async ({ input, signal, system }) => {
        const { ask: { userId, name, bytes, fileId }, sha256, extracted } = input;
        const { files, unread, passages } = extracted;
        if (passages.length === 0) return { known: false, files, unread };
        const { keepsOriginals } = config.library;
        const document = await ask(system, "db.addDocument", {
          userId,
          sha256,
          name,
          bytes: bytes.length,
          // Telegram keeps what came from it.
          fileId: keepsOriginals ? fileId : undefined,
          original: keepsOriginals && fileId === undefined ? bytes : undefined,
          extracted,
        }, { signal, timeoutMs: INDEX_TIMEOUT_MS });
        return { document, known: false, files, unread };
      }),
    },
  });
  return {
    id: "library",
    stopMs: 35_000,
    input: { readers: READERS, embeds: meaning !== undefined } satisfies LibraryInput,
    logic: libraryMachine.provide({
      actors: {
        document,
        ...(meaning && {
          embedding: embeddingMachine.provide({
            actors: {
              embed: fromPromise<EmbeddedBatch>(({ signal, system }) =>
                meaning.embedSome(system, signal).catch((error) => {
                  if (!signal.aborted) log.warn("Cannot embed passages: {error}", { error });
                  throw error;
                })
              ),
            },
          }),
        }),
        work: serving<LibraryWork>(async (request, signal, system) => {
          if (request.type === "library.hear") {
            const { segments } = await hear(request, system, signal, () => {});
            return segments.map(({ text }) => text).join(" ");
          }
          const asking = <M extends AskName>(type: M) => (body: Body<M>) =>
            ask(system, type, body, { signal });
          if (request.type === "library.search") {
            return search({
              findPostings: asking("db.findPostings"),
              readPassages: asking("db.readPassages"),
              ...(meaning && {
                rankByMeaning: (wanted) => meaning.rank(wanted, system, signal),
              }),
            }, request);
          }
          const tables = tableReader(
            { listTables: asking("db.listTables"), readTable: asking("db.readTable") },
            signal,
          );
          return request.type === "library.query" ? tables.query(request) : tables.rows(request);
        }),
        open: fromPromise(() => {
          sandbox = createSandbox({ size: READERS, timeoutMs: READ_TIMEOUT_MS });
          const limit = limitsMemory ? "bounded in memory" : "not bounded in memory here";
          return Promise.resolve(`${READERS} sandboxed readers, ${limit}`);
        }),
        close: fromPromise(async () => {
          await sandbox?.close();
          sandbox = undefined;
        }),
      },
    }),
  };
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return new Uint8Array(digest).toHex();
}

/** Whether one more file of this size may be kept; a limit of 0 is none. */
function fits(
  used: { documents: number; bytes: number },
  bytes: number,
  { maxDocuments, maxBytes }: Config["library"],
): boolean {
  return (maxDocuments === 0 || used.documents < maxDocuments) &&
    (maxBytes === 0 || used.bytes + bytes <= maxBytes);
}

function healthChild(
  config: Config,
  database: Database,
  cache: CacheStore,
  queueSize: () => Promise<number>,
): ChildSpec {
  const setup = {
    database: database.kind,
    redis: config.redis.url === undefined ? "memory" : "redis",
    telegram: config.telegram.webhook === undefined ? "polling" : "webhook",
  } as const;
  let checker: HealthChecker | undefined;
  return {
    id: "health",
    logic: healthMachine.provide({
      actors: {
        check: fromPromise(async ({ signal, system }) => {
          checker ??= createHealthChecker({
            probes: healthProbes(system, cache, setup, queueSize),
            setup,
            dataDir: config.dataDir,
            now: Date.now,
          });
          return await checker.check(signal);
        }),
      },
    }),
  };
}

function httpChild({ http, telegram }: Config, running: () => Running | undefined): ChildSpec {
  let server: HttpServer | undefined;
  return {
    id: "http",
    logic: httpMachine.provide({
      actors: {
        listen: fromPromise(({ system }) => {
          const app = createApp({
            health: () => ask(system, "health.check", {}),
            isReady: () => running()?.isReady() ?? false,
            metrics: () => ask(system, "metrics.summary", {}),
            render: () => ask(system, "metrics.render", {}),
            actors: () => running()?.actors() ?? [],
            // Those that come at once are stored by one commit.
            receive: batched(
              (updates) => ask(system, "bot.receive", { updates }),
              { name: "bot", size: 100, waiting: MAX_RECEIVING, isCommon: isWait },
            ),
            ...(http.token !== undefined && { httpToken: http.token }),
            ...(telegram.webhook !== undefined && { webhookSecret: telegram.webhook.secret }),
          });
          server = serve(app, http);
          return Promise.resolve(`http://${http.host}:${server.port}`);
        }),
        close: fromPromise(async () => {
          await server?.close();
          server = undefined;
        }),
      },
    }),
  };
}

async function botChild(config: Config, database: Database, speaking: Provider["speaking"]) {
  const log = logger("bot");
  const { apiRoot: root, webhook } = config.telegram;
  const token = requireBotToken(config);
  const { allowedIds } = config.access;
  let onRefused = () => {};
  const api = createTelegramApi({ token, root, onRefused: () => onRefused() });
  const texts = await loadTexts();
  const plugins = await loadPlugins(config.plugins);
  const settings = settingsOf(config, plugins, speaking);
  const botId = Number(token.split(":")[0]) || 0;
  const queue = createUpdateQueue({ kind: database.kind, sql: () => database.sql, botId });
  // On the embedded database there is nobody to wake.
  const wakeUps = database.kind === "postgres" ? createWakeUps(() => database.sql) : undefined;
  /** Resolves once another replica may lead. */
  let released: Promise<void> | undefined;
  const memory = createByteBudget(Math.max(MAX_BYTES_IN_WORK, config.maxFileBytes));
  let handle: ReturnType<typeof createHandling> | undefined;

  const logic = botMachine.provide({
    actors: {
      connect: fromPromise(async ({ signal, system }) => {
        const { commands } = settings;
        const botInfo = await signIn({ api, texts, commands, webhook }, signal).catch((error) => {
          log.warn("Cannot sign in: {error}", { error });
          throw error;
        });
        await queue.open();
        const route = createRouter({
          plugins,
          botInfo,
          allowedIds: allowedIds && new Set(allowedIds),
          ports: {
            api,
            replies: createReplies(api),
            sounds: createSounds(api),
            texts,
            settings,
            ask: (type, body, options) => ask(system, type, body, options),
            tell: (type, body) => tell(system, type, body),
            touchUser: batched(
              (users) => ask(system, "db.touchUsers", { users }),
              { name: "db", size: MAX_IN_FLIGHT, waiting: MAX_IN_FLIGHT, isCommon: isWait },
            ),
            fetchPage: createPageFetcher({
              maxBytes: config.maxFileBytes,
              timeoutMs: PAGE_TIMEOUT_MS,
            }),
            albumHasMore: (chatId, albumId) => queue.albumHasMore(chatId, albumId),
            reserve: (bytes, signal) => memory.reserve(bytes, signal),
            download: (file, signal) =>
              downloadFile({ api, root, token, maxBytes: config.maxFileBytes }, file, signal),
          },
        });
        handle = createHandling({
          queue,
          api,
          texts,
          route,
          readLanguage: (userId, signal) => ask(system, "db.readLanguage", { userId }, { signal }),
          countDead: (reason) =>
            tell(system, "metrics.count", { name: "updates.dead", tags: { reason } }),
          countRepeats: (outcome, by) => {
            if (by === 0) return;
            tell(system, "metrics.count", { name: "replies.repeated", tags: { outcome }, by });
          },
        });
        return `@${botInfo.username}`;
      }),
      wakeUps: fromCallback(({ sendBack }) =>
        wakeUps?.listen(() => sendBack({ type: "queue.woken" }))
      ),
      refusals: fromCallback(({ sendBack }) => {
        onRefused = () => sendBack({ type: "token.refused" });
        return () => onRefused = () => {};
      }),
      leadership: fromCallback(({ sendBack }) => {
        const won = () => sendBack({ type: "lead.won" });
        // The embedded database is one process's alone.
        if (database.kind === "pglite") return won();
        const release = wantLease({
          sql: () => database.sql,
          name: `bot:${botId}`,
          onWon: () => {
            log.info("This replica leads");
            won();
          },
          onLost: () => {
            log.warn("This replica stands by, as another one leads or the database is away");
            sendBack({ type: "lead.lost" });
          },
        });
        return () => released = release();
      }),
      tidy: fromPromise(async ({ signal }) => {
        const kept = { turnsDays: config.keepTurnsDays };
        try {
          const count = await tidy(database.sql, kept, signal);
          if (count > 0) log.info("Forgot {count} old turns of conversations", { count });
          const cleared = database.kind === "pglite" ? await vacuum(database.sql, signal) : 0;
          if (cleared > 0) log.debug("Cleared and counted {cleared} tables", { cleared });
        } catch (error) {
          log.warn("Cannot clear away what is kept no longer: {error}", { error });
          throw error;
        }
      }),
      poll: fromPromise(({ input: { offset }, signal }) =>
        pollUpdates(api, offset, signal).catch((error) => {
          if (!signal.aborted) log.warn("Cannot poll, and will try again: {error}", { error });
          throw error;
        })
      ),
      store: fromPromise<number, { updates: readonly IncomingUpdate[] }>(async ({ input }) => {
        await queue.store(input.updates);
        return Math.max(...input.updates.map(({ update_id }) => update_id)) + 1;
      }),
      receive: serving<Ask<"bot.receive">>(({ updates }) => queue.store(updates)),
      take: fromPromise(({ input: { limit }, signal }) => queue.take(limit, signal)),
      handlers: crew<StoredUpdate>(async (stored, signal) => await handle?.(stored, signal)),
      close: fromPromise(async () => {
        await wakeUps?.flush();
        await released;
        await queue.close();
      }),
    },
    actions: { rouse: () => wakeUps?.rouse() },
  });
  const drainMs = config.shutdownGraceMs * DRAIN_SHARE;
  const mode = webhook === undefined ? "polling" : "webhook";
  const child: ChildSpec = {
    id: "bot",
    // Telegram may be away when we start; signing in is tried again until then.
    startMs: 60_000,
    stopMs: drainMs + 3_000,
    input: { mode, drainMs } satisfies BotInput,
    logic,
  };
  return { child, queue };
}

/** Gemini where it is configured, else a compatible server. */
function providerOf({ gemini, openai, ai }: Config): Provider | undefined {
  if (gemini === undefined) {
    return openai && createOpenAi({ ...openai, timeoutMs: ai.timeoutMs });
  }
  return createGemini({ ...gemini, timeoutMs: ai.timeoutMs });
}

/** Runs one command; gives the exit code of the process. */
async function main([command, ...args]: readonly string[]): Promise<number> {
  try {
    const config = readConfig(Deno.env.toObject());
    configureLogging({ ...config.log, secrets: secretsOf(config) });
    if (command === "start") return await runBot(startSystem, config);
    if (command === "demo") return await runDemo(startSystem, config, args);
    if (command === "ask") return await runAsk(startSystem, config, args);
    if (command === "eval") return await runEval(startSystem, config, args);
    console.error(
      "Usage: main.ts start | demo [--once] | ask FILE… --question TEXT [--json] | eval …",
    );
    return 2;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return EXIT_CONFIG;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
