/** Batches: what comes at once goes together, and each caller has their own result. */
import assert from "node:assert/strict";
import { OverloadedError } from "../lib/ask.ts";
import { batched, type BatchLimits } from "../lib/batched.ts";

const LIMITS: BatchLimits = { name: "test", size: 3, waiting: 5, isCommon: () => false };

/** Doubles numbers in batches that end when they are told to; a negative one spoils its batch. */
function doubling(limits: Partial<BatchLimits> = {}) {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const double = batched<number, number>(async (numbers) => {
    batches.push([...numbers]);
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(resolve);
    await promise;
    if (numbers.some((number) => number < 0)) throw new RangeError("negative");
    return numbers.map((number) => number * 2);
  }, { ...LIMITS, ...limits });
  /** Ends the batches that run, and those that come of it. */
  const endAll = async () => {
    for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
      end();
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  return { batches, double, endAll };
}

Deno.test("a lone item goes at once, and what comes meanwhile goes together after it", async () => {
  const { batches, double, endAll } = doubling();
  const all = Promise.all([1, 2, 3, 4, 5].map(double));
  assert.deepEqual(batches, [[1]]);
  await endAll();
  assert.deepEqual(batches, [[1], [2, 3, 4], [5]]);
  assert.deepEqual(await all, [2, 4, 6, 8, 10], "each has their own result");
});

Deno.test("nobody is told before the batch that has their item is done", async () => {
  const { double, endAll } = doubling();
  let isDone = false;
  const first = double(1);
  const second = double(2).finally(() => isDone = true);
  await Promise.resolve();
  assert.equal(isDone, false);
  await endAll();
  assert.deepEqual(await Promise.all([first, second]), [2, 4]);
});

Deno.test("an item that spoils its batch fails alone", async () => {
  const { batches, double, endAll } = doubling();
  const all = Promise.allSettled([1, 2, -3, 4].map(double));
  await endAll();
  assert.deepEqual(
    (await all).map((each) => each.status === "fulfilled" ? each.value : each.reason.name),
    [2, 4, "RangeError", 8],
  );
  assert.deepEqual(batches, [[1], [2, -3, 4], [2], [-3], [4]]);
});

Deno.test("a failure that all have in common is not tried again", async () => {
  const { batches, double, endAll } = doubling({ isCommon: () => true });
  const all = Promise.allSettled([1, -2, 3].map(double));
  await endAll();
  assert.deepEqual((await all).map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  assert.deepEqual(batches, [[1], [-2, 3]]);
});

Deno.test("who comes when too many wait is refused at once", async () => {
  const { double, endAll } = doubling({ waiting: 2 });
  const taken = Promise.all([1, 2, 3].map(double));
  await assert.rejects(double(4), OverloadedError);
  await endAll();
  assert.deepEqual(await taken, [2, 4, 6]);
  const again = double(5);
  await endAll();
  assert.equal(await again, 10, "once there is room it is taken");
});
