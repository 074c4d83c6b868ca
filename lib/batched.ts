/**
 * Many callers, few calls: what comes while a batch is on its way goes with the
 * next one. A lone item waits for nothing, and nobody is told before the batch
 * that has their item is done.
 */
import { OverloadedError } from "./ask.ts";

/** How much is gathered. */
export interface BatchLimits {
  /** For errors. */
  name: string;
  /** Items of one batch. */
  size: number;
  /** Items that wait for the next batches; who comes then is refused at once. */
  waiting: number;
  /** Whether an error has nothing to do with any one item. */
  isCommon(error: unknown): boolean;
}

/**
 * Where a batch fails, each of its items is tried alone, so that a bad one harms
 * no other; unless the failure is common to all.
 *
 * @param run does a whole batch, or fails as a whole; gives the result of each in order, if they have one
 * @returns does one item together with others
 * @throws {OverloadedError} when too many wait
 */
export function batched<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[] | void>,
  { name, size, waiting: maxWaiting, isCommon }: BatchLimits,
): (item: T) => Promise<R> {
  const waiting: Waiting<T, R>[] = [];
  let isRunning = false;

  async function runAll(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await runBatch(waiting.splice(0, size));
    isRunning = false;
  }

  async function runBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [n, { resolve }] of batch.entries()) resolve(results?.[n] as R);
    } catch (error) {
      if (batch.length === 1 || isCommon(error)) { for (const { reject } of batch) reject(error); }
      else await Promise.all(batch.map((each) => runBatch([each])));
    }
  }

  return (item) => {
    if (waiting.length >= maxWaiting) return Promise.reject(new OverloadedError(name));
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    waiting.push({ item, resolve, reject });
    if (!isRunning) runAll();
    return promise;
  };
}

interface Waiting<T, R> {
  item: T;
  resolve(result: R): void;
  reject(error: unknown): void;
}
