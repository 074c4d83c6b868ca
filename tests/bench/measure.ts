/** How a benchmark is taken: repeated, sorted, and told with its spread. */

export interface Row {
  name: string;
  unit: "ms" | "µs";
  median: number;
  p95: number;
  /** What it is to be compared with, measured in the same run. */
  beside?: string;
}

/** Runs `work` so many times, after a tenth as many to warm up; gives each run's milliseconds. */
export async function repeat(
  times: number,
  work: (n: number) => Promise<unknown>,
): Promise<number[]> {
  for (let n = 0; n < times / 10; n++) await work(-1 - n);
  const all: number[] = [];
  for (let n = 0; n < times; n++) {
    const begun = performance.now();
    await work(n);
    all.push(performance.now() - begun);
  }
  return all;
}

/** A row from milliseconds; `unit` says how they are told. */
export function row(
  name: string,
  ms: readonly number[],
  unit: Row["unit"] = "ms",
  beside?: string,
): Row {
  const sorted = ms.toSorted((a, b) => a - b).map((value) => unit === "µs" ? value * 1_000 : value);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return {
    name,
    unit,
    median: at(0.5) ?? NaN,
    p95: at(0.95) ?? NaN,
    ...(beside !== undefined && { beside }),
  };
}

/** `x` times `y`'s median, as one reads it. */
export function ratio(x: Row, y: Row): string {
  const times = x.median / y.median;
  return `${times < 10 ? times.toFixed(1) : Math.round(times)} × ${y.name}`;
}
