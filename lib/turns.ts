/** Whose turn it is: fair between users, first come first served within one. */

export interface Waiting {
  /** Names what waits. */
  id: string;
  userId: number;
}

/**
 * Chooses which waiting calls may start so that no more than `limit` run at
 * once. The user with the fewest running calls goes first, so a user with a
 * hundred questions does not hold up one with a single question.
 */
export function takeTurns(
  waiting: readonly Waiting[],
  running: readonly Waiting[],
  limit: number,
): { start: readonly Waiting[]; waiting: readonly Waiting[] } {
  const runs = new Map<number, number>();
  for (const { userId } of running) runs.set(userId, (runs.get(userId) ?? 0) + 1);
  const rest = [...waiting];
  const start: Waiting[] = [];
  while (running.length + start.length < limit) {
    let next: Waiting | undefined;
    for (const call of rest) {
      if (next === undefined || runsOf(call) < runsOf(next)) next = call;
    }
    if (next === undefined) break;
    rest.splice(rest.indexOf(next), 1);
    runs.set(next.userId, runsOf(next) + 1);
    start.push(next);
  }
  return { start, waiting: rest };

  function runsOf({ userId }: Waiting): number {
    return runs.get(userId) ?? 0;
  }
}
