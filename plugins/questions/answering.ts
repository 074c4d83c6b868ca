/**
 * A question about documents becomes an answer: from the cache, by the AI with
 * checked citations, or, where there is no AI to ask, by the passages themselves.
 * Shared by the chat and by the terminal.
 */
import { recentTurns } from "../../lib/ai/history.ts";
import { answerKey, leansOnConversation } from "../../lib/ai/answer_key.ts";
import { checkCitations } from "../../lib/ai/citations.ts";
import { type AnswerGuard, guardAnswer } from "../../lib/ai/guard.ts";
import { placeLabel } from "../../lib/ai/place.ts";
import type { AnswerReply, NoAnswerReason, Turn } from "../../lib/ai/provider.ts";
import type { DocumentInfo, FoundPassage } from "../../lib/library.ts";
import type { PluginContext } from "../plugin.ts";
import {
  answerByQuery,
  answerByRows,
  type ProposalTokens,
  rowsAsPassages,
} from "./table_answers.ts";
import { searchWords } from "./search_words.ts";
import { unwrapped } from "./unwrap.ts";

/** All attempts with their pauses, and the wait for a turn. */
const ANSWER_TIMEOUT_MS = 5 * 60_000;
const SEARCH_TIMEOUT_MS = 30_000;
/** Passages shown where they stand in for an answer. */
const SHOWN_PASSAGES = 3;
/** Rows of a table shown where no query can be written. */
const FOUND_ROWS = 10;

/** What answering needs of a handler's context. */
export type Asking = Pick<
  PluginContext,
  "ask" | "tell" | "t" | "escape" | "settings" | "language" | "user" | "preview" | "stopped"
>;

export interface Answer {
  /** GitHub-style Markdown. */
  text: string;
  source: "cache" | "ai" | "passages";
  /** Passages that the answer rests on; empty when it came from the cache. */
  cited: readonly FoundPassage[];
  promptTokens: number;
  answerTokens: number;
  /** Why the AI has not answered, where one is configured: it may, later. */
  failed?: NoAnswerReason;
}

/**
 * Answers `question` from `documents`.
 *
 * @param conversation reads the turns that a follow-up leans on
 */
export async function answerQuestion(
  asking: Asking,
  documents: readonly DocumentInfo[],
  question: string,
  conversation: () => Promise<readonly Turn[]>,
): Promise<Answer> {
  const started = performance.now();
  const isFollowUp = leansOnConversation(question);
  const key = await answerKey({
    documents,
    question,
    language: asking.language,
    model: asking.settings.model,
  });
  // A follow-up means something else in each conversation, so no cached answer fits it.
  const cached = isFollowUp ? undefined : await readCache(asking, key);
  if (cached !== undefined) {
    return { text: cached, source: "cache", cited: [], promptTokens: 0, answerTokens: 0 };
  }
  const fromTables = await tableAnswer(asking, documents, question, key, isFollowUp, conversation);
  if (fromTables.answer !== undefined) {
    if (!isFollowUp && fromTables.isLasting) await keep(asking, key, fromTables.answer.text);
    asking.tell("metrics.time", { name: "ai.response_time", ms: performance.now() - started });
    return fromTables.answer;
  }
  const history = isFollowUp ? recentTurns(await conversation()) : [];
  const found = await findPassages(asking, documents, question, history);
  const passages = [...fromTables.passages, ...found.passages];
  const guard = guardAnswer({ question, passages, language: asking.language });
  let written = "";
  const answering = asking.ask("ai.answer", {
    key: isFollowUp ? crypto.randomUUID() : key,
    userId: asking.user.id,
    language: asking.language,
    question,
    passages,
    several: documents.length > 1,
    history,
  }, {
    timeoutMs: ANSWER_TIMEOUT_MS,
    signal: asking.stopped,
    onChunk: (text) => asking.preview(guard.preview(written = text)),
  });
  const reply = await answering.catch((error): undefined => {
    if (!asking.stopped.aborted) throw error;
  });
  if (reply === undefined) return stoppedAnswer(asking, guard.preview(written), passages);

  const answer = reply.kind === "answer"
    ? generatedAnswer(asking, reply, passages, guard)
    : passagesAsAnswer(asking, documents, passages, reply.reason);
  // What stands in for an answer while the AI is away must not outlive its absence.
  const isLasting = answer.failed === undefined;
  for (const tokens of [fromTables.tokens, found.tokens]) {
    answer.promptTokens += tokens?.promptTokens ?? 0;
    answer.answerTokens += tokens?.answerTokens ?? 0;
  }
  if (!isFollowUp && isLasting) await keep(asking, key, answer.text);
  countAnswer(asking, reply.kind === "answer" ? { kind: "answer", ...answer } : reply);
  asking.tell("metrics.time", { name: "ai.response_time", ms: performance.now() - started });
  return answer;
}

/**
 * The passages for a question. A follow-up is searched for with the question
 * before it, and one in another language than the documents by the AI's words.
 */
async function findPassages(
  asking: Asking,
  documents: readonly DocumentInfo[],
  question: string,
  history: readonly Turn[],
): Promise<{ passages: readonly FoundPassage[]; tokens?: ProposalTokens }> {
  const request = {
    userId: asking.user.id,
    documentIds: documents.map(({ id }) => id),
    question: [...history.slice(-1).map((turn) => turn.question), question].join("\n"),
    budget: asking.settings.contextTokens,
  };
  const found = await asking.ask("library.search", request, { timeoutMs: SEARCH_TIMEOUT_MS });
  const isWhole = documents.reduce((sum, { tokens }) => sum + tokens, 0) <= request.budget;
  if (!found.foreign || isWhole) return found;
  const { words: widened, tokens } = await searchWords(asking, request.question);
  if (widened === "") return { passages: found.passages, tokens };
  const options = { timeoutMs: SEARCH_TIMEOUT_MS };
  const { passages } = await asking.ask("library.search", { ...request, widened }, options);
  return { passages, tokens };
}

/** What a document's tables gave: an answer, or rows that go with its passages. */
interface FromTables {
  answer?: Answer | undefined;
  /** Whether the answer is good for later as well. */
  isLasting: boolean;
  passages: readonly FoundPassage[];
  /** What it has cost to learn that no query fits. */
  tokens?: ProposalTokens;
}

/**
 * A question about a spreadsheet is answered from all its rows, by a query. One
 * that is not about figures still gets the rows that match, whatever their number.
 */
async function tableAnswer(
  asking: Asking,
  documents: readonly DocumentInfo[],
  question: string,
  key: string,
  isFollowUp: boolean,
  conversation: () => Promise<readonly Turn[]>,
): Promise<FromTables> {
  const stored = await asking.ask("db.listTables", {
    userId: asking.user.id,
    documentIds: documents.map(({ id }) => id),
  });
  const document = documents.find(({ id }) => stored.some(({ documentId }) => documentId === id));
  if (document === undefined) return { isLasting: false, passages: [] };
  const tables = stored.filter(({ documentId }) => documentId === document.id);
  let reason: NoAnswerReason | undefined = "offline";
  let tokens: ProposalTokens | undefined;
  if (asking.settings.model !== "offline") {
    const outcome = await answerByQuery(asking, {
      document,
      tables,
      question,
      key: isFollowUp ? crypto.randomUUID() : key,
      history: isFollowUp ? recentTurns(await conversation()) : [],
    });
    if ("answer" in outcome) {
      countAnswer(asking, { kind: "answer", ...outcome.answer });
      return { answer: outcome.answer, isLasting: true, passages: [] };
    }
    reason = "reason" in outcome ? outcome.reason : undefined;
    tokens = "unfit" in outcome ? outcome.unfit : undefined;
  }
  const found = await asking.ask("library.rows", {
    userId: asking.user.id,
    documentId: document.id,
    question,
    limit: FOUND_ROWS,
  }, { timeoutMs: SEARCH_TIMEOUT_MS });
  if (reason === undefined) {
    const passages = rowsAsPassages(document, found);
    return { isLasting: false, passages, ...(tokens && { tokens }) };
  }
  // The other documents may know what no row does.
  if (documents.length > 1 && found.every(({ rows }) => rows.length === 0)) {
    return { isLasting: false, passages: [] };
  }
  countAnswer(asking, { kind: "passages", reason });
  const answer = answerByRows(asking, document, found, reason);
  return { answer, isLasting: reason === "offline", passages: [] };
}

export async function keep(asking: Asking, key: string, text: string): Promise<void> {
  const { cacheTtlSeconds: ttlSeconds } = asking.settings;
  await asking.ask("cache.set", { key, value: text, ttlSeconds });
  count(asking, "cache.operations", { operation: "set", result: "ok" });
}

export async function readCache(asking: Asking, key: string): Promise<string | undefined> {
  const cached = await asking.ask("cache.get", { key });
  const result = cached === undefined ? "miss" : "hit";
  count(asking, "cache.operations", { operation: "get", result });
  if (cached !== undefined) {
    count(asking, "ai.requests", { cached: true, provider: providerOf(asking), outcome: "ok" });
  }
  return cached;
}

export function generatedAnswer(
  asking: Asking,
  { text, promptTokens, answerTokens }: Extract<AnswerReply, { kind: "answer" }>,
  passages: readonly FoundPassage[],
  guard: AnswerGuard,
): Answer {
  const shown = guard.checked(text);
  if (shown === undefined) {
    count(asking, "errors", { type: "PromptRepeated", handler: "answer" });
    const refusal = { text: asking.t("answer-repeats-prompt"), cited: [], promptTokens };
    return { ...refusal, source: "ai", answerTokens, failed: "blocked" };
  }
  const checked = checkCitations(shown, passages, asking.language);
  return { text: checked.text, source: "ai", cited: checked.cited, promptTokens, answerTokens };
}

/** What was written when its reader stopped it. Never cached: it is no answer to anybody else. */
export function stoppedAnswer(
  asking: Asking,
  written: string,
  passages: readonly FoundPassage[],
): Answer {
  const provider = providerOf(asking);
  count(asking, "ai.requests", { cached: false, provider, outcome: "stopped" });
  const { text, cited } = checkCitations(written, passages, asking.language);
  const blocks = [text.trimEnd(), asking.t("answer-stopped")].filter((block) => block !== "");
  return { text: blocks.join("\n\n"), source: "ai", cited, promptTokens: 0, answerTokens: 0 };
}

function passagesAsAnswer(
  { t, language, escape }: Asking,
  documents: readonly DocumentInfo[],
  passages: readonly FoundPassage[],
  reason: NoAnswerReason,
): Answer {
  const name = documents.map((document) => document.name).join(", ");
  const cited = passages.filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, SHOWN_PASSAGES);
  const quotes = cited.map((passage) => {
    const lines = unwrapped(passage.text).map((line) => `> ${escape(line)}`);
    const place = [placeLabel(passage.unit, passage.page, language)];
    place.push(...passage.heading.slice(-1).map(escape));
    if (documents.length > 1) place.unshift(escape(passage.documentName));
    return `${lines.join("\n")}\n\n— **${place.join("** · **")}**`;
  });
  const text = cited.length === 0
    ? t("question-nothing-found", { name })
    : [t(`passages-${reason}`, { name }), ...quotes].join("\n\n");
  const answer: Answer = { text, source: "passages", cited, promptTokens: 0, answerTokens: 0 };
  return reason === "offline" ? answer : { ...answer, failed: reason };
}

export function countAnswer(
  asking: Asking,
  reply:
    | { kind: "answer"; promptTokens: number; answerTokens: number }
    | Extract<
      AnswerReply,
      { kind: "passages" }
    >,
): void {
  count(asking, "ai.requests", {
    cached: false,
    provider: providerOf(asking),
    outcome: reply.kind === "answer" ? "ok" : reply.reason,
  });
  if (reply.kind !== "answer") return;
  count(asking, "ai.tokens", { kind: "prompt" }, reply.promptTokens);
  count(asking, "ai.tokens", { kind: "answer" }, reply.answerTokens);
}

function providerOf({ settings }: Asking): string {
  return settings.model.split("/")[0] ?? settings.model;
}

function count(
  { tell }: Asking,
  name: string,
  tags: Record<string, string | boolean>,
  by = 1,
): void {
  tell("metrics.count", { name, tags, by });
}
