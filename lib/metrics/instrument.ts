/**
 * One metric with all its series, kept twice: by key for the summary, and in
 * prom-client for Prometheus. Who measures can put anything into a tag, so the
 * series are bounded: from the hundredth on, all are one series, `other`.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Tags } from "../metrics.ts";
import type { Known } from "./catalogue.ts";
import { labelName, prometheusName } from "./names.ts";
import { Samples } from "./samples.ts";

/** The most series of one metric, `other` included. */
const MAX_SERIES = 100;
/** Stands for every name or value beyond the bounds. */
export const OTHER = "other";

/** In seconds: from a database query to the longest call of an AI. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type Labels = Record<string, string>;

/** One metric: takes in values by their tags, and lists what its series are at. */
export interface Instrument<S> {
  record(value: number, tags: Tags): void;
  /** Pairs of `name:tag=value,tag2=value2` and what stands there. */
  entries(): [key: string, state: S][];
}

/** A counter; `record` adds. */
export function counter(known: Known, registry: Registry): Instrument<number> {
  const metric = new Counter(describe(known, registry));
  return instrument(known, () => 0, (sum, value, labels) => {
    metric.inc(labels, value);
    return sum + value;
  });
}

/** A gauge; `record` sets. */
export function gauge(known: Known, registry: Registry): Instrument<number> {
  const metric = new Gauge(describe(known, registry));
  return instrument(known, () => 0, (_last, value, labels) => {
    metric.set(labels, value);
    return value;
  });
}

/** A timer; `record` takes milliseconds, Prometheus gets seconds. */
export function timer(known: Known, registry: Registry): Instrument<Samples> {
  const metric = new Histogram({ ...describe(known, registry), buckets: BUCKETS });
  return instrument(known, () => new Samples(), (samples, ms, labels) => {
    metric.observe(labels, ms / 1_000);
    samples.add(ms);
    return samples;
  });
}

function describe({ kind, name, help, tags }: Known, registry: Registry) {
  return {
    name: prometheusName(kind, name),
    help,
    labelNames: [...new Set(tags.map(labelName))],
    registers: [registry],
  };
}

function instrument<S>(
  { name, tags: names }: Known,
  begin: () => S,
  update: (state: S, value: number, labels: Labels) => S,
): Instrument<S> {
  const order = names.toSorted();
  const series = new Map<string, S>();
  return {
    record(value, tags) {
      let key = keyOf(name, order, tags);
      const isFull = series.size >= MAX_SERIES - 1 && !series.has(key);
      const used = isFull ? Object.fromEntries(order.map((tag) => [tag, OTHER])) : tags;
      if (isFull) key = keyOf(name, order, used);
      series.set(key, update(series.get(key) ?? begin(), value, labelsOf(order, used)));
    },
    entries: () => [...series],
  };
}

function keyOf(name: string, order: readonly string[], tags: Tags): string {
  const pairs = order.filter((tag) => tags[tag] !== undefined).map((tag) => `${tag}=${tags[tag]}`);
  return pairs.length === 0 ? name : `${name}:${pairs.join(",")}`;
}

/** A tag that is not there is an empty label: to Prometheus that is the same, and the set is whole. */
function labelsOf(order: readonly string[], tags: Tags): Labels {
  return Object.fromEntries(order.map((tag) => [labelName(tag), String(tags[tag] ?? "")]));
}
