/** Quotes read as text, not as the column they were set in. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { unwrapped } from "../plugins/questions/unwrap.ts";

Deno.test("lines that a page's width has parted are one again", () => {
  assert.deepEqual(
    unwrapped(
      "3. Staff and watches\n" +
        "The night is divided into three watches of four hours. The keeper takes\n" +
        "the middle watch on even dates and the assistant keeper on odd ones.\n" +
        "Nobody stands two watches in a row except in an emergency.",
    ),
    [
      "3. Staff and watches",
      "The night is divided into three watches of four hours. The keeper takes the middle watch " +
      "on even dates and the assistant keeper on odd ones.",
      "Nobody stands two watches in a row except in an emergency.",
    ],
  );
});

Deno.test("lists and tables keep their lines", () => {
  for (const text of ["Wages 74,850\nRepairs 13,240", "one | two\nthree | four"]) {
    assert.deepEqual(unwrapped(text), text.split("\n"));
  }
});

Deno.test("no word is lost or changed", () => {
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  fc.assert(fc.property(fc.array(fc.lorem({ maxCount: 20 }), { minLength: 1 }), (lines) => {
    assert.deepEqual(words(unwrapped(lines.join("\n")).join(" ")), words(lines.join(" ")));
  }));
});
