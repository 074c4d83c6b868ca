/**
 * Questions about rows: the AI proposes a query, the bot checks it and runs it
 * over all the rows, and the answer is what came out, with the rows it rests
 * on. Without an AI: what the columns hold, and the rows that match.
 */
import { replaceAddresses } from "../../lib/ai/addresses.ts";
import { type ProposedQuery, readProposal } from "../../lib/ai/table_prompt.ts";
import { placeLabel } from "../../lib/ai/place.ts";
import type { NoAnswerReason, Turn } from "../../lib/ai/provider.ts";
import type { DocumentInfo, FoundPassage } from "../../lib/library.ts";
import {
  type Cell,
  type FoundRows,
  type QueryResult,
  type TableAnswer,
  type TableInfo,
  TableQueryError,
} from "../../lib/tables.ts";
import type { Answer, Asking } from "./answering.ts";

const QUERY_TIMEOUT_MS = 60_000;
const PROPOSAL_TIMEOUT_MS = 3 * 60_000;
/** A first proposal, and one that puts it right. */
const PROPOSALS = 2;
/** A wider table is cut: a phone shows no more, and a rich message takes 20 at most. */
const SHOWN_COLUMNS = 12;
const SUMMARY_COLUMNS = 20;

/** A question, and the document whose tables may answer it. */
export interface TableQuestion {
  document: DocumentInfo;
  tables: readonly TableInfo[];
  question: string;
  /** Of the question; proposals in flight under the same key share one call. */
  key: string;
  history: readonly Turn[];
}

/** Tokens that the proposals have cost, whatever came of them. */
export type ProposalTokens = Pick<Answer, "promptTokens" | "answerTokens">;

/** An answer, why the AI has none, or that no query fits the question. */
export type QueryOutcome =
  | { answer: Answer }
  | { reason: NoAnswerReason }
  | { unfit: ProposalTokens };

/** Has the AI propose a query, and answers with what comes out of it. */
export async function answerByQuery(
  asking: Asking,
  about: TableQuestion,
): Promise<QueryOutcome> {
  const { document, tables, question, key, history } = about;
  let failed: { sql: string; problem: string } | undefined;
  let promptTokens = 0;
  let answerTokens = 0;
  for (let n = 0; n < PROPOSALS; n++) {
    const reply = await asking.ask("ai.answer", {
      key: `${key}:query:${n}`,
      userId: asking.user.id,
      language: asking.language,
      question,
      passages: [],
      history,
      tables: { tables, ...(failed && { failed }) },
    }, { timeoutMs: PROPOSAL_TIMEOUT_MS });
    if (reply.kind !== "answer") return { reason: reply.reason };
    promptTokens += reply.promptTokens;
    answerTokens += reply.answerTokens;
    const proposal = readProposal(reply.text);
    if (proposal === undefined) break;
    try {
      const answer = await asking.ask("library.query", {
        userId: asking.user.id,
        documentId: document.id,
        ...proposal,
      }, { timeoutMs: QUERY_TIMEOUT_MS });
      const told = worded(asking, about, proposal, answer);
      return { answer: { ...told, source: "ai", promptTokens, answerTokens } };
    } catch (error) {
      if (!(error instanceof TableQueryError)) throw error;
      failed = { sql: proposal.sql, problem: error.message };
    }
  }
  return { unfit: { promptTokens, answerTokens } };
}

function worded(
  asking: Asking,
  { document, tables }: TableQuestion,
  proposal: ProposedQuery,
  { result, evidence }: TableAnswer,
): Pick<Answer, "text" | "cited"> {
  const { t } = asking;
  const used = tables.filter((_, n) =>
    new RegExp(`\\bt${n + 1}\\b`, "i").test(`${proposal.sql} ${proposal.rowsSql ?? ""}`)
  );
  const places = (used.length > 0 ? used : tables.slice(0, 1))
    .map((table) => placeOf(asking, document, table));
  const rows = evidence ?? result;
  const blocks = [
    result.total === 0 ? t("table-nothing") : shownResult(asking, result),
    `${t("table-computed", { rows: used.reduce((sum, table) => sum + table.rows, 0) })} ${
      places.map((place) => `[${place}]`).join(" ")
    }`,
  ];
  if (evidence !== undefined && evidence.total > 0) {
    blocks.push(t("table-evidence", { count: evidence.total, shown: evidence.rows.length }));
    // Of a sheet's own columns the first one is the number of the row.
    const columns = evidence.columns.map((name) => name === "row" ? t("table-row") : name);
    blocks.push(markdownTable(asking, { ...evidence, columns }));
  }
  const cited = used.map((table): FoundPassage => ({
    documentId: document.id,
    documentName: document.name,
    unit: document.unit,
    ordinal: 0,
    page: table.page,
    heading: table.name === "" ? [] : [table.name],
    text: [rows.columns, ...rows.rows].map((row) => row.map(String).join(" | ")).join("\n"),
    tokens: 0,
    length: 0,
    score: 1,
  }));
  return { text: blocks.join("\n\n"), cited };
}

/** One value stands for itself; more of them are a table. */
function shownResult(asking: Asking, result: QueryResult): string {
  const [row] = result.rows;
  if (result.total === 1 && row !== undefined && row.length === 1) {
    const [name = ""] = result.columns;
    return `**${inert(asking, name)}:** ${inert(asking, shownCell(row[0] ?? null, asking))}`;
  }
  const more = result.total - result.rows.length;
  const table = markdownTable(asking, result);
  return more > 0 ? `${table}\n\n${asking.t("table-more", { count: more })}` : table;
}

/** What the tables say without an AI; nothing when no row speaks of the question's words. */
export function answerByRows(
  asking: Asking,
  document: DocumentInfo,
  found: readonly FoundRows[],
  reason: NoAnswerReason,
): Answer | undefined {
  const { t } = asking;
  const matching = found.filter(({ rows }) => rows.length > 0);
  const [best = found[0]] = matching;
  if (best === undefined) return undefined;
  const { table, columns, rows } = best;
  const place = placeOf(asking, document, table);
  const blocks = [t(reason === "offline" ? "rows-offline" : `passages-${reason}`, {
    name: document.name,
  })];
  if (rows.length > 0) {
    blocks.push(
      `${t("rows-found", { count: rows.length })} [${place}]`,
      markdownTable(asking, {
        columns: [t("table-row"), ...table.columns.map(({ name }) => name)],
        rows,
      }),
    );
  }
  blocks.push(
    `${t("rows-summary", { count: table.rows })} [${place}]`,
    markdownTable(asking, {
      columns: ["column", "filled", "distinct", "min", "max", "sum"].map((key) =>
        t(`summary-${key}`)
      ),
      rows: columns.slice(0, SUMMARY_COLUMNS).map((column) => [
        column.name,
        column.filled,
        column.distinct,
        column.min,
        column.max,
        column.sum ?? null,
      ]),
    }),
  );
  return {
    text: blocks.join("\n\n"),
    source: "passages",
    cited: [],
    promptTokens: 0,
    answerTokens: 0,
    ...(reason !== "offline" && { failed: reason }),
  };
}

/** Rows that match, as a model reads passages: each table's header above its rows. */
export function rowsAsPassages(
  document: DocumentInfo,
  found: readonly FoundRows[],
): FoundPassage[] {
  return found.filter(({ rows }) => rows.length > 0).map(({ table, rows }, n) => {
    const lines = [["row", ...table.columns.map(({ name }) => name)], ...rows];
    const text = lines.map((cells) => cells.map((cell) => cell ?? "").join(" | ")).join("\n");
    return {
      documentId: document.id,
      documentName: document.name,
      unit: document.unit,
      // Before what stands in the document's own order.
      ordinal: n - found.length,
      page: table.page,
      heading: table.name === "" ? [] : [table.name],
      text,
      tokens: 0,
      length: 0,
      score: 1,
    };
  });
}

function placeOf({ language, escape }: Asking, { unit }: DocumentInfo, table: TableInfo): string {
  const place = placeLabel(unit, table.page, language);
  return table.name === "" ? place : `${place}, ${escape(table.name)}`;
}

function markdownTable(
  asking: Asking,
  { columns, rows }: Pick<QueryResult, "columns" | "rows">,
): string {
  const line = (cells: readonly string[]) => `| ${cells.slice(0, SHOWN_COLUMNS).join(" | ")} |`;
  const cell = (text: string) => inert(asking, text.replace(/\s+/g, " "));
  return [
    line(columns.map(cell)),
    line(columns.map(() => "---")),
    ...rows.map((row) => line(row.map((value) => cell(shownCell(value, asking))))),
  ].join("\n");
}

/** Between the parts of a text; no cell holds it. */
const SEAM = "\0";

/**
 * The text with its addresses as code, which nobody can follow by a tap: a query
 * may have put together one that no row has.
 */
function inert({ escape }: Asking, text: string): string {
  return replaceAddresses(text.replaceAll(SEAM, ""), (address) => `${SEAM}${address}${SEAM}`)
    .split(SEAM)
    .map((part, n) => n % 2 === 1 ? `\`${part}\`` : blanksKept(part, escape))
    .join("");
}

/** Escaping takes blanks off the ends, which part a text from the address beside it. */
function blanksKept(text: string, escape: (text: string) => string): string {
  const [, before = "", inner = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  return before + escape(inner) + after;
}

/** Figures with their thousands apart, as the reader's language writes them. */
function shownCell(value: Cell, { language }: Asking): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  return new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(value);
}
