/**
 * Counters, timers and gauges: one store, read as a JSON summary by people and
 * as text by Prometheus. It never throws, as measuring must not break what is
 * measured; what it cannot take is counted under `errors`.
 */
import { Registry } from "prom-client";
import { CATALOGUE, type Kind, type Known } from "./metrics/catalogue.ts";
import { counter, gauge, type Instrument, OTHER, timer } from "./metrics/instrument.ts";
import { prometheusName } from "./metrics/names.ts";
import { registerProcessMetrics } from "./metrics/process.ts";
import type { TimerSummary } from "./metrics/samples.ts";

export type { TimerSummary } from "./metrics/samples.ts";

/** The most names of one kind; what comes later is counted as `other`. */
const MAX_NAMES = 200;

/** What tells the series of one metric apart. */
export type Tags = Record<string, string | number | boolean>;

/** All metrics. Keys are `name:tag=value,tag2=value2` with sorted tags, or the name alone. */
export interface MetricsSummary {
  /** Sums since the start. */
  counters: Record<string, number>;
  /** Durations in milliseconds. */
  timers: Record<string, TimerSummary>;
  /** What is at now. */
  gauges: Record<string, number>;
}

/** Takes in measurements and tells them. */
export interface Metrics {
  /** Adds `by`, 1 unless told, which is not negative. */
  count(name: string, tags?: Tags, by?: number): void;
  /** Takes in a duration in milliseconds, which is not negative. */
  time(name: string, ms: number, tags?: Tags): void;
  /** Sets what something is at now. */
  gauge(name: string, value: number, tags?: Tags): void;
  /** All metrics as one object. */
  summary(): MetricsSummary;
  /** All metrics and figures of the process, in Prometheus' text format 0.0.4. */
  render(): Promise<string>;
}

/** An empty store with a registry of its own. Metrics of the catalogue are there from the start. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const counters = family("counter", (known) => counter(known, registry));
  const timers = family("timer", (known) => timer(known, registry));
  const gauges = family("gauge", (known) => gauge(known, registry));

  function record(to: Family<unknown>, name: string, value: number, tags: Tags, least: number) {
    if (value >= least && Number.isFinite(value)) to.of(name, tags).record(value, tags);
    else counters.of("errors", {}).record(1, { type: "metric", handler: name });
  }

  return {
    count: (name, tags = {}, by = 1) => record(counters, name, by, tags, 0),
    time: (name, ms, tags = {}) => record(timers, name, ms, tags, 0),
    gauge: (name, value, tags = {}) => record(gauges, name, value, tags, -Infinity),
    summary: () => ({
      counters: Object.fromEntries(counters.entries()),
      timers: Object.fromEntries(
        timers.entries().map(([key, samples]) => [key, samples.summary()]),
      ),
      gauges: Object.fromEntries(gauges.entries()),
    }),
    render: () => registry.metrics(),
  };
}

/** All metrics of one kind. */
interface Family<S> {
  /** The metric named `name`; at its first use, with these tags. */
  of(name: string, tags: Tags): Instrument<S>;
  entries(): [string, S][];
}

function family<S>(kind: Kind, create: (known: Known) => Instrument<S>): Family<S> {
  // By the name for Prometheus: there, `a.b` and `a_b` are one.
  const byName = new Map<string, Instrument<S>>();
  for (const known of CATALOGUE) {
    if (known.kind === kind) byName.set(prometheusName(kind, known.name), create(known));
  }
  return {
    of(name, tags) {
      const known = byName.get(prometheusName(kind, name));
      if (known !== undefined) return known;
      const used = byName.size < MAX_NAMES ? name : OTHER;
      const id = prometheusName(kind, used);
      const added = byName.get(id) ??
        create({ name: used, kind, help: `${used}, of a plugin`, tags: Object.keys(tags) });
      byName.set(id, added);
      return added;
    },
    entries: () => [...byName.values()].flatMap((instrument) => instrument.entries()),
  };
}
