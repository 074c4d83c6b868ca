/**
 * Names of metrics as Prometheus asks for them: `bot_`, snake case, and the
 * unit at the end. See https://prometheus.io/docs/practices/naming/.
 */
import type { Kind } from "./catalogue.ts";

// What Prometheus itself appends; a gauge with such a name could pass for a part of another metric.
const RESERVED = /_(total|seconds|bucket|count|sum)$/;

/** `ai.response_time` as a timer is `bot_ai_response_seconds`. Never the same for two kinds. */
export function prometheusName(kind: Kind, name: string): string {
  const snake = `bot_${snakeCase(name)}`;
  switch (kind) {
    case "counter":
      return `${snake.replace(/_total$/, "")}_total`;
    case "timer":
      return `${snake.replace(/_time$/, "")}_seconds`;
    case "gauge":
      return RESERVED.test(snake) ? `${snake}_value` : snake;
  }
}

/** A tag as a label of Prometheus; `le` is what it calls the bounds of a histogram. */
export function labelName(tag: string): string {
  const snake = snakeCase(tag);
  return /^[a-z]/.test(snake) && snake !== "le" ? snake : `tag_${snake}`;
}

function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase()
    .replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
}
