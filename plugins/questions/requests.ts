/**
 * Ready-made requests as buttons: a summary, key points, deadlines, risks,
 * figures. A document that is too long for one prompt is read part by part, and
 * the request is answered from the notes of all parts, not from its beginning.
 */
import { answerKey } from "../../lib/ai/answer_key.ts";
import { guardAnswer } from "../../lib/ai/guard.ts";
import { partsOf } from "../../lib/ai/document_parts.ts";
import type { AnswerReply, AnswerRequest } from "../../lib/ai/provider.ts";
import type { DocumentInfo } from "../../lib/library.ts";
import { type Button, definePlugin, type PluginContext } from "../plugin.ts";
import { type Answer, countAnswer, generatedAnswer, keep, readCache } from "./answering.ts";
import { buttonsUnder } from "./answer_buttons.ts";
import { takeQuota } from "./quota.ts";

/** In the order of their buttons. */
const REQUESTS = ["summary", "points", "deadlines", "risks", "figures"] as const;
type RequestName = typeof REQUESTS[number];
const IN_ROW = 2;

/** A longer document is not read to its end within any patience, nor for little money. */
const MAX_PARTS = 40;
const SEARCH_TIMEOUT_MS = 60_000;
const PART_TIMEOUT_MS = 9 * 60_000;
/** Of each part's notes. */
const NOTES_KEPT_S = 24 * 3_600;

/** Buttons under a document that can be asked about; none without an AI to do it. */
export function requestButtons(
  { settings, t }: Pick<PluginContext, "settings" | "t">,
  documentId: number,
): Button[][] {
  if (settings.model === "offline") return [];
  const buttons = REQUESTS.map((name) => ({
    text: t(`button-request-${name}`),
    data: `request:${name}:${documentId}`,
  }));
  const rows: Button[][] = [];
  for (let n = 0; n < buttons.length; n += IN_ROW) rows.push(buttons.slice(n, n + IN_ROW));
  return rows;
}

export default definePlugin({
  name: "requests",
  buttons: [{
    name: "request",
    async run(context, argument) {
      const { ask, chat, reply, t, user } = context;
      const [kind, id] = argument.split(":");
      const name = REQUESTS.find((each) => each === kind);
      const documents = await ask("db.listDocuments", { userId: user.id });
      const document = documents.find((each) => String(each.id) === id);
      if (name === undefined || document === undefined) {
        await reply(t("document-gone"));
        return;
      }
      if (!await takeQuota(context)) return;
      context.typing();
      const answer = await answerRequest(context, document, name);
      const { turnId } = await ask("db.saveTurn", {
        userId: user.id,
        chatId: chat.id,
        question: t(`request-${name}`),
        answer: answer.text,
        cached: answer.source === "cache" ? 1 : 0,
        promptTokens: answer.promptTokens,
        answerTokens: answer.answerTokens,
      });
      const buttons = answer.failed === undefined
        ? buttonsUnder(context, [document], answer, turnId)
        : [[{ text: t("button-again"), data: `request:${name}:${document.id}` }]];
      await reply(answer.text, { buttons });
    },
  }],
});

async function answerRequest(
  context: PluginContext,
  document: DocumentInfo,
  name: RequestName,
): Promise<Answer> {
  const { ask, language, preview, settings, t, user } = context;
  const question = t(`request-${name}`);
  const key = await answerKey({
    documents: [document],
    question: `request ${name}`,
    language,
    model: settings.model,
  });
  const none = { cited: [], promptTokens: 0, answerTokens: 0 };
  const cached = await readCache(context, key);
  if (cached !== undefined) return { text: cached, source: "cache", ...none };
  const { passages } = await ask("library.search", {
    userId: user.id,
    documentIds: [document.id],
    question: "",
    budget: Number.MAX_SAFE_INTEGER,
  }, { timeoutMs: SEARCH_TIMEOUT_MS });
  const guard = guardAnswer({ question, passages, language });
  const parts = partsOf(passages, settings.contextTokens);
  if (parts.length > MAX_PARTS) {
    return { text: t("request-too-long", { name: document.name }), source: "passages", ...none };
  }
  const spent = { promptTokens: 0, answerTokens: 0 };
  const request = (body: Partial<AnswerRequest> & { key: string }, onChunk?: (s: string) => void) =>
    ask("ai.answer", {
      userId: user.id,
      language,
      question,
      passages: [],
      history: [],
      ...body,
    }, { timeoutMs: PART_TIMEOUT_MS, ...(onChunk && { onChunk }) });
  const add = (reply: AnswerReply) => {
    if (reply.kind !== "answer") return;
    spent.promptTokens += reply.promptTokens;
    spent.answerTokens += reply.answerTokens;
  };

  let task: AnswerRequest["task"];
  if (parts.length > 1) {
    let done = 0;
    const progress = () => preview(t("request-progress", { done, of: parts.length }));
    progress();
    const notes = await Promise.all(parts.map(async (part, n) => {
      const partKey = `${key}:part:${n}`;
      const known = await ask("cache.get", { key: partKey });
      const reply = known === undefined
        ? await request({ key: partKey, passages: part, task: { kind: "part" } })
        : { kind: "answer" as const, text: known, promptTokens: 0, answerTokens: 0 };
      if (reply.kind === "answer") {
        // A try after a failure does not pay for this part again.
        await ask("cache.set", { key: partKey, value: reply.text, ttlSeconds: NOTES_KEPT_S });
        spent.promptTokens += reply.promptTokens;
        spent.answerTokens += reply.answerTokens;
      }
      done++;
      progress();
      return reply;
    }));
    const failed = notes.find((reply) => reply.kind === "passages");
    if (failed?.kind === "passages") return failedAnswer(context, failed.reason, spent);
    task = {
      kind: "notes",
      notes: notes.map((reply) => reply.kind === "answer" ? reply.text : ""),
    };
  }
  const reply = await request(
    { key, passages: parts.length > 1 ? [] : passages, ...(task && { task }) },
    (text) => preview(guard.preview(text)),
  );
  add(reply);
  if (reply.kind === "passages") return failedAnswer(context, reply.reason, spent);
  const answer = { ...generatedAnswer(context, reply, passages, guard), ...spent };
  if (answer.failed === undefined) await keep(context, key, answer.text);
  countAnswer(context, { kind: "answer", ...answer });
  return answer;
}

function failedAnswer(
  context: PluginContext,
  reason: Extract<AnswerReply, { kind: "passages" }>["reason"],
  spent: { promptTokens: number; answerTokens: number },
): Answer {
  countAnswer(context, { kind: "passages", reason });
  const text = context.t(`request-${reason}`);
  return { text, source: "passages", cited: [], failed: reason, ...spent };
}
