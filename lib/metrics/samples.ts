/**
 * The durations of one timer: exact count, least, greatest and sum over its
 * whole life, percentiles over the last 1,024, so that memory is bounded and
 * an operator sees how it is now, not how it was last week.
 */

const KEPT = 1_024;

/** Milliseconds, but for `count`. Percentiles are of the last 1,024 samples. */
export interface TimerSummary {
  /** Durations since the start. */
  count: number;
  /** The shortest, in milliseconds. */
  min: number;
  /** The longest, in milliseconds. */
  max: number;
  /** The mean, in milliseconds. */
  avg: number;
  /** Half of the last ones were no longer, in milliseconds. */
  p50: number;
  /** 95 of 100 of the last ones were no longer, in milliseconds. */
  p95: number;
  /** 99 of 100 of the last ones were no longer, in milliseconds. */
  p99: number;
}

/** The durations of one timer. */
export class Samples {
  readonly #last: number[] = [];
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /** Takes in one duration, in milliseconds. */
  add(ms: number): void {
    this.#last[this.#count % KEPT] = ms;
    this.#count += 1;
    this.#sum += ms;
    this.#min = Math.min(this.#min, ms);
    this.#max = Math.max(this.#max, ms);
  }

  /** The figures so far; there is at least one sample. */
  summary(): TimerSummary {
    const sorted = this.#last.toSorted((a, b) => a - b);
    return {
      count: this.#count,
      min: this.#min,
      max: this.#max,
      avg: this.#sum / this.#count,
      p50: percentile(sorted, 50),
      p95: percentile(sorted, 95),
      p99: percentile(sorted, 99),
    };
  }
}

/** The nearest-rank percentile: the least value that `percent` of all do not exceed. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil(sorted.length * percent / 100) - 1] ?? NaN;
}
