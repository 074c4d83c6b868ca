/** Children's numbers: never two of the same, and no more than there were children at once. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type ChildNumbers, giveBack, noChildren, takeNumbers } from "../lib/child_numbers.ts";

Deno.test("no two children have the same number, and numbers are used again", () => {
  const steps = fc.array(fc.record({ take: fc.nat(5), giveBack: fc.array(fc.nat()) }));
  fc.assert(fc.property(steps, (all) => {
    let numbers: ChildNumbers = noChildren;
    let alive: number[] = [];
    let most = 0;
    for (const step of all) {
      const [taken, left] = takeNumbers(numbers, step.take);
      numbers = left;
      alive.push(...taken);
      assert.equal(taken.length, step.take);
      assert.equal(new Set(alive).size, alive.length);
      most = Math.max(most, alive.length);
      for (const at of step.giveBack) {
        if (alive.length === 0) break;
        const number = alive[at % alive.length] ?? 0;
        alive = alive.filter((other) => other !== number);
        numbers = giveBack(numbers, `handle.${number}`);
      }
    }
    assert.ok(Math.max(-1, ...alive) < most);
    assert.equal(numbers.made, most);
  }));
});
