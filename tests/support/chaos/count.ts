/** The count at the end: what was lost, out of order, or answered twice, and why. */
import { answererIn, type Crowd, numberIn } from "./crowd.ts";

/**
 * What was torn at an instant, with the updates that were in work then; or what
 * the others took from a process that lives, but said nothing for too long.
 */
export interface Tear {
  kind: "kill" | "telegram" | "database" | "silence";
  updateIds: ReadonlySet<number>;
  /** The process that was killed. */
  pid?: number;
}

export interface Count {
  acknowledged: number;
  /** Acknowledged, and never answered. */
  lost: number;
  /** Not answered either, but kept for the operator, and its sender told. */
  dead: number;
  /** Answers that came after the answer to a later number of the same chat. */
  outOfOrder: number;
  /** Messages that answer no number, such as an apology. */
  other: string[];
  /**
   * Second answers, by what tore the update's work while it was under way:
   * the process, the connection to Telegram, the one to the database, or the
   * machine's standstill; or nothing.
   */
  twice: Record<Tear["kind"] | "unexplained", number>;
  /** For the logs: second answers without a cause, each with the processes that gave all of them. */
  mysteries: { updateId: number; pids: number[] }[];
}

/** @param dead the updates that were given up */
export function count(
  { members }: Pick<Crowd, "members">,
  tears: readonly Tear[],
  dead: ReadonlySet<number> = new Set(),
): Count {
  const result: Count = {
    acknowledged: 0,
    lost: 0,
    dead: 0,
    outOfOrder: 0,
    other: [],
    twice: { kill: 0, telegram: 0, database: 0, silence: 0, unexplained: 0 },
    mysteries: [],
  };
  for (const { user, acknowledged, updateIds } of members) {
    const answered = new Map<number, number[]>();
    let highest = 0;
    for (const message of user.messages()) {
      if (message.from !== "bot") continue;
      const n = numberIn(message);
      if (Number.isNaN(n)) result.other.push(message.text);
      else if (n < highest) result.outOfOrder++;
      else if (answered.has(n)) {
        const [updateId = 0, pids = []] = [updateIds[n], answered.get(n)];
        const reason = reasonOf(updateId, pids, tears);
        result.twice[reason]++;
        if (reason === "unexplained") {
          result.mysteries.push({ updateId, pids: [...pids, answererIn(message)] });
        }
      }
      answered.set(n, [...answered.get(n) ?? [], answererIn(message)]);
      if (n > highest) highest = n;
    }
    result.acknowledged += acknowledged;
    for (let n = 1; n <= acknowledged; n++) {
      if (answered.has(n)) continue;
      if (dead.has(updateIds[n] ?? 0)) result.dead++;
      else result.lost++;
    }
  }
  return result;
}

/** Why an update was answered again after processes `pids` had answered it. */
function reasonOf(
  updateId: number,
  pids: readonly number[],
  tears: readonly Tear[],
): keyof Count["twice"] {
  const torn = tears.filter(({ updateIds, pid }) =>
    updateIds.has(updateId) && (pid === undefined || pids.includes(pid))
  );
  const kinds = torn.map(({ kind }) => kind);
  for (const kind of ["kill", "telegram", "database", "silence"] as const) {
    if (kinds.includes(kind)) return kind;
  }
  return "unexplained";
}
