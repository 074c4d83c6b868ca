/** What is searched for when a question is asked. */
import assert from "node:assert/strict";
import { isCovered, wordsOf } from "../lib/evaluation/coverage.ts";
import { searchedTerms } from "../lib/retrieval/question.ts";

Deno.test("what only says how to answer is not searched for", () => {
  const own = (question: string) => searchedTerms(question).own.join(" ");
  assert.equal(
    own("What is the height of the tower? Answer in percentage terms, round to one decimal place."),
    own("What is the height of the tower?"),
  );
  assert.equal(
    own("Is it tall? If height is not useful for a tower, then state that and explain why."),
    own("Is it tall?"),
  );
  assert.equal(
    own("Assume that you are a lamp inspector. What is the height of the tower?"),
    own("What is the height of the tower?"),
  );
  assert.equal(own("Answer in millions."), "answer million");
});

Deno.test("what is asked about is searched for by the words that documents have for it", () => {
  const added = (question: string) => searchedTerms(question).added.join(" ");
  assert.match(added("Did the quick ratio improve?"), /current asset liabil/);
  assert.match(added("Какова рентабельность продаж?"), /прибыл/);
  assert.match(added("Who are the parties?"), /individu collect refer/);
  assert.match(added("Как расторгнуть договор?"), /односторон/);
  assert.equal(added("Who keeps the lamp?"), "");
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
