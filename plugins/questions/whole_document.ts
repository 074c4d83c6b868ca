/**
 * A question about a whole document. One that is too long for one prompt is read
 * part by part, and the question is answered from the notes on all parts, not
 * from the document's beginning.
 */
import { answerKey } from "../../lib/ai/answer_key.ts";
import { inParts, textsInParts } from "../../lib/ai/document_parts.ts";
import { guardAnswer } from "../../lib/ai/guard.ts";
import type { AnswerReply, AnswerRequest, NoAnswerReason } from "../../lib/ai/provider.ts";
import { atOnce } from "../../lib/at_once.ts";
import type { DocumentInfo, FoundPassage } from "../../lib/library.ts";
import type { PluginContext } from "../plugin.ts";
import {
  type Answer,
  countAnswer,
  generatedAnswer,
  keep,
  readCache,
  stoppedAnswer,
} from "./answering.ts";

/** A longer document is not read to its end within any patience, nor for little money. */
const MAX_PARTS = 40;
/** Parts of one document that are read at the same time; other users have their turns as well. */
const AT_ONCE = 3;
const SEARCH_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 5 * 60_000;
/** A try after a failure does not pay again for the parts that were read. */
const NOTES_KEPT_S = 24 * 3_600;

/** The AI has not answered one of the calls. */
class NotAnswered extends Error {
  constructor(readonly reason: NoAnswerReason) {
    super(`Cannot answer about the whole document as the AI has not answered: ${reason}`);
  }
}

/** Answers `question` about all of `document`. */
export async function answerAboutAll(
  context: PluginContext,
  document: DocumentInfo,
  question: string,
): Promise<Answer> {
  const { language, settings, t } = context;
  const documents = [document];
  const parts = { documents, question, language, model: settings.model };
  // The same words may be asked as a question, which sees passages alone.
  const key = `whole:${await answerKey(parts)}:${settings.contextTokens}`;
  const cached = await readCache(context, key);
  if (cached !== undefined) return { text: cached, source: "cache", ...NOTHING };
  const started = performance.now();
  const passages = await allPassages(context, document);
  const reading = new Reading(context, key, question, passages);
  try {
    if (reading.parts.length > MAX_PARTS) {
      return {
        text: t("request-too-long", { name: document.name }),
        source: "passages",
        ...NOTHING,
      };
    }
    const answer = await reading.answer();
    if (answer.failed === undefined) await keep(context, key, answer.text);
    countAnswer(context, { kind: "answer", ...answer });
    return answer;
  } catch (error) {
    if (context.stopped.aborted) {
      return { ...stoppedAnswer(context, reading.written, passages), ...reading.spent };
    }
    if (!(error instanceof NotAnswered)) throw error;
    const { reason } = error;
    countAnswer(context, { kind: "passages", reason });
    const text = t(`request-${reason}`);
    return { text, source: "passages", cited: [], failed: reason, ...reading.spent };
  } finally {
    context.tell("metrics.time", { name: "ai.response_time", ms: performance.now() - started });
  }
}

const NOTHING = { cited: [], promptTokens: 0, answerTokens: 0 };

async function allPassages(
  { ask, user }: PluginContext,
  { id }: DocumentInfo,
): Promise<readonly FoundPassage[]> {
  const all = { documentIds: [id], question: "", budget: Number.MAX_SAFE_INTEGER };
  const options = { timeoutMs: SEARCH_TIMEOUT_MS };
  return (await ask("library.search", { userId: user.id, ...all }, options)).passages;
}

/** One document being read for one question. */
class Reading {
  readonly parts: readonly FoundPassage[][];
  readonly spent = { promptTokens: 0, answerTokens: 0 };
  /** What may be shown of the answer so far. */
  written = "";

  constructor(
    readonly context: PluginContext,
    readonly key: string,
    readonly question: string,
    readonly passages: readonly FoundPassage[],
  ) {
    this.parts = inParts(passages, context.settings.contextTokens);
  }

  async answer(): Promise<Answer> {
    const { context, question, passages } = this;
    const guard = guardAnswer({ question, passages, language: context.language });
    const body = this.parts.length > 1
      ? { passages: [], task: { kind: "notes" as const, notes: await this.#notes() } }
      : { passages };
    const reply = await this.#ask({ key: this.key, ...body }, (text) => {
      this.written = guard.preview(text);
      context.preview(this.written);
    });
    return { ...generatedAnswer(context, reply, passages, guard), ...this.spent };
  }

  /** Notes on all parts; notes on notes where even these are too long for one prompt. */
  async #notes(): Promise<readonly string[]> {
    const { contextTokens } = this.context.settings;
    let notes = await this.#each(this.parts.map((passages) => ({ passages })));
    for (let groups = textsInParts(notes, contextTokens); groups.length > 1;) {
      const shorter = await this.#each(groups.map((texts) => ({ notes: texts })));
      groups = textsInParts(shorter, contextTokens);
      // Notes that do not get shorter would be taken for ever.
      if (groups.length >= notes.length) throw new NotAnswered("unavailable");
      notes = shorter;
    }
    return notes;
  }

  /** Notes on each of some pieces, of the document or of notes on it. */
  async #each(
    pieces: readonly { passages?: readonly FoundPassage[]; notes?: readonly string[] }[],
  ): Promise<string[]> {
    const { ask, preview, t } = this.context;
    let done = 0;
    const progress = () => preview(t("request-progress", { done, of: pieces.length }));
    progress();
    return await atOnce(pieces, AT_ONCE, async ({ passages = [], notes }, n, failed) => {
      const key = `${this.key}:${notes === undefined ? "part" : "notes"}:${n}/${pieces.length}`;
      let text = await ask("cache.get", { key });
      if (text === undefined) {
        const task = { kind: "part" as const, ...(notes && { notes }) };
        ({ text } = await this.#ask({ key, passages, task }, undefined, failed));
        await ask("cache.set", { key, value: text, ttlSeconds: NOTES_KEPT_S });
      }
      done++;
      progress();
      return text;
    });
  }

  async #ask(
    body: Pick<AnswerRequest, "key" | "passages"> & Partial<AnswerRequest>,
    onChunk?: (text: string) => void,
    failed?: AbortSignal,
  ): Promise<Extract<AnswerReply, { kind: "answer" }>> {
    const { ask, language, stopped, user } = this.context;
    const { question } = this;
    const reply = await ask("ai.answer", {
      userId: user.id,
      language,
      question,
      history: [],
      ...body,
    }, {
      timeoutMs: CALL_TIMEOUT_MS,
      signal: failed === undefined ? stopped : AbortSignal.any([stopped, failed]),
      ...(onChunk && { onChunk }),
    });
    if (reply.kind !== "answer") throw new NotAnswered(reply.reason);
    this.spent.promptTokens += reply.promptTokens;
    this.spent.answerTokens += reply.answerTokens;
    return reply;
  }
}
