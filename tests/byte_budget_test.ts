/** How many bytes of files may be in memory at once. */
import assert from "node:assert/strict";
import { createByteBudget } from "../lib/byte_budget.ts";
import { settle } from "./support/machines.ts";

const never = new AbortController().signal;

Deno.test("files wait in order until there is room, and a giver-up makes way", async () => {
  const budget = createByteBudget(100);
  const order: string[] = [];
  const take = async (name: string, bytes: number, signal = never) => {
    const reserved = await budget.reserve(bytes, signal);
    order.push(name);
    return reserved;
  };
  const first = await take("first", 80);
  const impatient = new AbortController();
  const second = take("second", 90, impatient.signal);
  const third = take("third", 20);
  await settle();
  assert.deepEqual(order, ["first"], "nobody is overtaken");
  impatient.abort(new Error("cancelled"));
  await assert.rejects(second, /cancelled/);
  const held = await third;
  assert.deepEqual(order, ["first", "third"]);
  const large = take("larger than all", 500);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await settle();
  assert.deepEqual(order, ["first", "third"]);
  held[Symbol.dispose]();
  (await large)[Symbol.dispose]();
  assert.deepEqual(order, ["first", "third", "larger than all"]);
});
