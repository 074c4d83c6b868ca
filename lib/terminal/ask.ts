/** One question about local files, answered in the terminal by the same actors. */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { addFile } from "../../plugins/documents/adding.ts";
import { type Answer, answerQuestion, type Asking } from "../../plugins/questions/answering.ts";
import { placeLabel } from "../ai/place.ts";
import { ask, tell } from "../ask.ts";
import type { Config } from "../config.ts";
import type { DocumentInfo } from "../library.ts";
import { loadPlugins, settingsOf } from "../plugins.ts";
import type { Running, StartSystem } from "../running.ts";
import { escapeArguments, escapeMarkdown, toPlainText } from "../telegram/markdown.ts";
import { type Language, loadTexts } from "../texts/texts.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** The terminal's user; Telegram's ids begin at 1. */
const USER_ID = 0;

/** Answers and prints; gives the exit code: 0 with an answer, 1 with a clear error. */
export async function runAsk(
  startSystem: StartSystem,
  config: Config,
  args: readonly string[],
): Promise<number> {
  const { positionals: files, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { question: { type: "string" }, json: { type: "boolean" } },
  });
  const { question, json } = values;
  if (files.length === 0 || question === undefined || question.trim() === "") {
    console.error('Usage: deno task ask FILE… --question "…" [--json]');
    return EXIT_USAGE;
  }
  // A folder of its own, so that a running bot's database stays the bot's.
  const running = await startSystem(
    { ...config, dataDir: `${config.dataDir}/ask` },
    "terminal",
    () => {},
  );
  try {
    await running.started;
    const answer = await answerFrom(running, config, files, question);
    console.log(
      json ? JSON.stringify(asJson(answer, question), null, 2) : toPlainText(answer.text),
    );
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  } finally {
    running.stop();
    await running.ended;
  }
}

async function answerFrom(
  { system }: Running,
  config: Config,
  files: readonly string[],
  question: string,
): Promise<Answer> {
  const language: Language = /\p{Script=Cyrillic}/u.test(question) ? "ru" : "en";
  await ask(system, "db.touchUsers", { users: [{ userId: USER_ID, name: "terminal", language }] });
  const documents: DocumentInfo[] = [];
  for (const file of files) documents.push(...await add(system, file));
  const texts = await loadTexts();
  const asking: Asking = {
    ask: (type, body, options) => ask(system, type, body, options),
    tell: (type, body) => tell(system, type, body),
    t: (key, args = {}) => texts(language, key, escapeArguments(args)),
    escape: escapeMarkdown,
    settings: settingsOf(config, await loadPlugins(config.plugins)),
    language,
    user: { id: USER_ID, name: "terminal" },
    preview: () => {},
    stopped: new AbortController().signal,
  };
  return await answerQuestion(asking, documents, question, () => Promise.resolve([]));
}

/** The file's document, and those of the files in it. */
async function add(system: Running["system"], file: string): Promise<DocumentInfo[]> {
  const bytes = await Deno.readFile(file).catch((cause) => {
    throw new Error(`Cannot read '${file}' as ${cause.message}`, { cause });
  });
  const outcomes = await addFile(
    { ask: (type, body, options) => ask(system, type, body, options) },
    { userId: USER_ID, name: basename(file), bytes },
    { onStage: () => {} },
  );
  const documents = outcomes.flatMap((outcome) =>
    "added" in outcome ? outcome.added.document ?? [] : []
  );
  if (documents.length > 0) return documents;
  const refused = outcomes.find((outcome) => "refused" in outcome)?.refused;
  const reason = refused?.message ?? "Cannot read the document as it holds nothing";
  throw new Error(`'${file}': ${reason}`, { cause: refused });
}

function asJson({ text, source, cited }: Answer, question: string) {
  return {
    question,
    answer: toPlainText(text),
    source,
    citations: cited.map(({ documentName, unit, page, text, score }) => ({
      document: documentName,
      unit,
      page,
      label: placeLabel(unit, page, "en"),
      text,
      score,
    })),
  };
}
