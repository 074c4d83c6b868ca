/** What is said of an answer, and where a long one is cut. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { beginningOf, spokenText } from "../lib/ai/spoken_text.ts";

const spoken: [what: string, markdown: string, said: string][] = [
  [
    "citations are left out",
    "Three months [p. 4], at most [a.pdf, p. 7; p. 9].",
    "Three months, at most.",
  ],
  ["Russian citations as well", "Три месяца [с. 4] и день [ч. 2].", "Три месяца и день."],
  [
    "what was not found is still said so",
    "It costs 5 [p. 9: not found in the document].",
    "It costs 5 (not found in the document).",
  ],
  ["other brackets stay", "He [the tenant] pays.", "He [the tenant] pays."],
  ["marks are gone", "# The *fee*\n\n**It** is `4` ~~3~~ euros", "The fee.\nIt is 4 3 euros."],
  ["a link is its text", "See [the lease](https://example.org/a) now.", "See the lease now."],
  [
    "items are sentences",
    "- one\n- two:\n  - three\n\n3. four\n4. five",
    "one.\ntwo:\nthree.\n3. four.\n4. five.",
  ],
  [
    "a row is said with its headers",
    "| Who | Fee |\n| --- | ---: |\n| Adults | 4 |\n| Cats | |",
    "Who: Adults; Fee: 4.\nWho: Cats.",
  ],
  ["quotes and code are said", "> It is so.\n\n```\na = 1\n```", "It is so.\na = 1."],
  [
    "pictures are not",
    "⏹ You stopped this answer here. 🔊\n\n---",
    "You stopped this answer here.",
  ],
  ["escaped marks are letters", "2 \\* 3 \\[x\\] \\< 7", "2 * 3 [x] < 7."],
  ["nothing is nothing", "[p. 4]\n\n***\n\n<br>", ""],
];
for (const [what, markdown, said] of spoken) {
  Deno.test(`read aloud, ${what}`, () => assert.equal(spokenText(markdown), said));
}

Deno.test("a text that fits is not cut", () => {
  assert.equal(beginningOf("One. Two.", 9, "en"), "One. Two.");
});

Deno.test("a long text ends with the last sentence that fits, whole", () => {
  const text = "Rent is 4.5 euros. Really! Да, это так. Конец?";
  assert.equal(beginningOf(text, 30, "en"), "Rent is 4.5 euros. Really!");
  assert.equal(beginningOf(text, 26, "en"), "Rent is 4.5 euros. Really!");
  assert.equal(beginningOf(text, 25, "en"), "Rent is 4.5 euros.");
});

Deno.test("a sentence without an end is cut between words, a word without one anywhere", () => {
  assert.equal(beginningOf("one two three four", 9, "en"), "one two");
  assert.equal(beginningOf("x".repeat(20), 9, "en"), "x".repeat(9));
});

Deno.test("a beginning is one, fits, and is never empty", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((each) => each.trim() !== "");
  fc.assert(fc.property(text, fc.integer({ min: 2, max: 30 }), (whole, max) => {
    const trimmed = whole.trim();
    const beginning = beginningOf(trimmed, max, "ru");
    assert.ok(beginning.length <= max && beginning.length > 0);
    assert.ok(beginning.isWellFormed());
  }));
});

Deno.test("any Markdown is said without a blank line or a blank at an end", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a1 .\n*_[]()|-#>`🔊я") }), (markdown) => {
      for (const line of spokenText(markdown).split("\n").slice(0, -1)) {
        assert.match(line, /^\S(?:.*\S)?$/u);
      }
    }),
  );
});
