/** Questions to tables: queries in the sandbox, and rows found by words. */
import assert from "node:assert/strict";
import { readProposal, readsOnly } from "../lib/ai/table_prompt.ts";
import { columnReader } from "../lib/extract/numbers.ts";
import { headerIn, readSheet } from "../lib/extract/table.ts";
import { askTables } from "../lib/tables/ask_tables.ts";
import type { Table } from "../lib/tables.ts";

const never = new AbortController().signal;

async function tableOf(...rows: string[][]): Promise<Table> {
  const { table } = await readSheet("S", 1, rows.map((cells, n) => ({ number: n + 1, cells })));
  assert.ok(table);
  return table;
}

const SALES = [
  ["Город", "Товар", "Сумма", "Дата"],
  ["Москва", "Лампа маячная", "1 250,50", "15.01.2024"],
  ["москва", "Трос", "99,90", "03.02.2024"],
  ["Казань", "Ёлочный огонь", "15 000,00", "29.02.2024"],
  ["Тверь", "Лампы запасные", "", "01.03.2024"],
];

async function query(sql: string, rowsSql?: string) {
  const table = await tableOf(...SALES);
  const request = { tables: [table], query: { sql, ...(rowsSql && { rowsSql }) } };
  const reply = await askTables(request, [table.data], never);
  assert.ok("answer" in reply);
  return reply.answer;
}

Deno.test("a query counts, sums and compares texts of any alphabet alike", async () => {
  const { result, evidence } = await query(
    `select count(*) as n, sum("Сумма") as total from t1 where lower("Город") = lower('МОСКВА')`,
    `select * from t1 where "Город" like 'моск%'`,
  );
  assert.deepEqual(result, { columns: ["n", "total"], rows: [[2, 1350.4]], total: 1 });
  assert.deepEqual(evidence?.columns, ["row", "Город", "Товар", "Сумма", "Дата"]);
  assert.deepEqual(evidence?.rows.map(([row]) => row), [2, 3]);
  const february = await query(
    `select "Товар" from t1 where "Дата" between '2024-02-01' and '2024-02-29'`,
  );
  assert.deepEqual(february.result.rows, [["Трос"], ["Ёлочный огонь"]]);
});

Deno.test("two columns of one name stay two", async () => {
  const { result } = await query("select 1 as a, 2 as a");
  assert.deepEqual(result.rows, [[1, 2]]);
});

Deno.test("a query can reach nothing but its rows", async () => {
  for (
    const sql of [
      "attach database '/etc/passwd' as x",
      "select load_extension('x')",
      "delete from t1",
      "pragma query_only = off",
      "create table x (a)",
      "select * from missing",
    ]
  ) {
    await assert.rejects(query(sql), { name: "TableQueryError" }, sql);
  }
});

Deno.test("a query without an end is ended, and one that eats memory as well", async () => {
  const table = await tableOf(...SALES);
  const ask = (sql: string) =>
    askTables({ tables: [table], query: { sql } }, [table.data], never, 1_500);
  const endless =
    "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n";
  await assert.rejects(ask(endless), { name: "TableQueryError" });
  await assert.rejects(
    ask('select sum(length(hex(zeroblob(400000000)) || x)) from (select "Город" as x from t1)'),
    {
      name: "TableQueryError",
    },
  );
});

Deno.test("rows are found by a question's words in any form, with the columns' figures", async () => {
  const table = await tableOf(...SALES);
  const reply = await askTables(
    { tables: [table], search: { question: "Какие есть лампы и елочные огни?", limit: 2 } },
    [table.data],
    never,
  );
  assert.ok("found" in reply);
  const [found] = reply.found;
  assert.deepEqual(found?.rows.map(([row]) => row), [4, 2]);
  const sum = found?.columns[2];
  assert.deepEqual([sum?.filled, sum?.min, sum?.max, sum?.sum], [3, 99.9, 15_000, 16_350.4]);
});

Deno.test("a model's reply is taken only as one statement that reads", () => {
  assert.deepEqual(readProposal('Sure:\n```json\n{"sql": "SELECT 1;", "rows_sql": null}\n```'), {
    sql: "SELECT 1",
  });
  assert.deepEqual(readProposal('{"sql": "select 1", "rows_sql": "select 2"}'), {
    sql: "select 1",
    rowsSql: "select 2",
  });
  for (const reply of ['{"sql": null}', "no", "{", '{"sql": 1}', '{"sql": "drop table t1"}']) {
    assert.equal(readProposal(reply), undefined, reply);
  }
  assert.equal(readsOnly("select 1; delete from t1"), undefined);
  assert.equal(readsOnly("with x as (select 1) delete from t1"), undefined);
  assert.equal(readsOnly("select 'a; delete' as \"drop\""), "select 'a; delete' as \"drop\"");
});

Deno.test("columns are read as their people write numbers and dates", () => {
  const read = (...cells: string[]) => {
    const { type, read } = columnReader(cells);
    return [type, ...cells.map(read)];
  };
  assert.deepEqual(read("1 234,50", "7"), ["number", 1234.5, 7]);
  assert.deepEqual(read("1,234.50", "7"), ["number", 1234.5, 7]);
  assert.deepEqual(read("1.234,50", "2.000,00"), ["number", 1234.5, 2000]);
  assert.deepEqual(read("1,234", "12,000"), ["number", 1234, 12_000]);
  assert.deepEqual(read("1,5", "12,000"), ["number", 1.5, 12]);
  assert.deepEqual(read("(5.00)", "−3", "12%", "$ 4.10"), ["number", -5, -3, 0.12, 4.1]);
  assert.deepEqual(read("00123", "00456"), ["text", "00123", "00456"]);
  assert.deepEqual(read("31.03.2024", "1.4.2024"), ["date", "2024-03-31", "2024-04-01"]);
  assert.deepEqual(read("03/31/2024", "4/1/2024"), ["date", "2024-03-31", "2024-04-01"]);
  assert.deepEqual(read("", " "), ["text", null, null]);
});

Deno.test("the header is found under a title, and figures alone are no header", () => {
  const rows = (...all: string[][]) => all.map((cells, n) => ({ number: n + 1, cells }));
  assert.equal(headerIn(rows(["Отчёт", "", ""], ["a", "b", "c"], ["1", "2", "3"])), 1);
  assert.equal(headerIn(rows(["1", "2"], ["3", "4"])), -1);
  assert.equal(headerIn(rows(["Показатель", "2022", "2023"], ["Выручка", "5", "6"])), 0);
});
