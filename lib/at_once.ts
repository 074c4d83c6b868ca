/** Work on many things, a few of them at the same time. */

/**
 * Does `work` for each item, at most `limit` at once, in their order. When one
 * fails, no further one is begun, those in work are told by the signal, and it
 * rejects with the first reason once all of them have ended.
 *
 * @returns the results, in the order of the items
 */
export async function atOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, ordinal: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failure = new AbortController();
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [ordinal, item] = next;
      results[ordinal] = await work(item, ordinal, failure.signal);
      failure.signal.throwIfAborted();
    }
  };
  const workers = Array.from({ length: limit }, () => worker().catch((e) => failure.abort(e)));
  await Promise.all(workers);
  failure.signal.throwIfAborted();
  return results;
}
