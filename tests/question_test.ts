/** What is searched for when a question is asked. */
import assert from "node:assert/strict";
import { isCovered, wordsOf } from "../lib/evaluation/coverage.ts";
import { searchedText } from "../lib/retrieval/question.ts";

Deno.test("what only says how to answer is not searched for", () => {
  assert.equal(
    searchedText(
      "What is the height of the tower? Answer in percentage terms, round to one decimal place.",
    )
      .replace(/\s+/g, " ").trim(),
    "What is the height of the tower?",
  );
  assert.match(
    searchedText(
      "Is it tall? If height is not useful for a tower, then state that and explain why.",
    ),
    /^Is it tall\?\s+$/,
  );
  assert.equal(searchedText("Answer in millions."), "Answer in millions.");
});

Deno.test("a figure is searched for by what it is computed from", () => {
  assert.match(searchedText("Did the quick ratio improve?"), /current liabilities/);
  assert.match(searchedText("Какова рентабельность продаж?"), /прибыль от продаж/);
  assert.equal(searchedText("Who keeps the lamp?"), "Who keeps the lamp?");
});

Deno.test("evidence counts as covered when most of it stands close together", () => {
  const evidence = "the lamp is lit at dusk by the keeper of the tower";
  const question = { evidence: [evidence], pages: [] };
  const none = new Map<number, string[]>();
  assert.ok(isCovered(question, `Before. ${evidence.toUpperCase()}! After.`, none));
  assert.ok(!isCovered(question, "the lamp is lit", none));
  const apart = evidence.split(" ").join(" and many other words between them ");
  assert.ok(!isCovered(question, apart, none));
  assert.ok(
    isCovered({ evidence: ["nothing", "lit"], evidence_any: true, pages: [] }, "lit", none),
  );
  const pages = new Map([[2, wordsOf("one two three four")]]);
  assert.ok(isCovered({ evidence: [], pages: [2] }, "four two", pages));
  assert.ok(!isCovered({ evidence: [], pages: [2] }, "two", pages));
});
