/**
 * The metrics of the bot itself: what each counts, and the tags that it has.
 * A metric that is not here, of a plugin say, has the tags of its first use.
 */

export type Kind = "counter" | "timer" | "gauge";

/** What is known about a metric before its first use. */
export interface Known {
  name: string;
  kind: Kind;
  /** One line, for operators. */
  help: string;
  /** Tags that it may have; others are left out. */
  tags: readonly string[];
}

/** All metrics of the bot, in the order in which Prometheus sees them. */
export const CATALOGUE: readonly Known[] = [
  {
    name: "messages.handled",
    kind: "counter",
    help: "Updates from Telegram that were handled",
    tags: ["type"],
  },
  {
    name: "ai.requests",
    kind: "counter",
    help: "Questions that were put to the AI",
    tags: ["cached", "provider", "outcome"],
  },
  { name: "ai.response_time", kind: "timer", help: "Time of an answer of the AI", tags: [] },
  {
    name: "ai.tokens",
    kind: "counter",
    help: "Tokens sent to and got from the AI",
    tags: ["kind"],
  },
  {
    name: "documents.processed",
    kind: "counter",
    help: "Documents that were read or refused",
    tags: ["type", "success"],
  },
  {
    name: "embeddings.made",
    kind: "counter",
    help: "Passages that got a vector of their meaning",
    tags: [],
  },
  {
    name: "embeddings.failed",
    kind: "counter",
    help: "Batches of passages and questions that got no vector",
    tags: ["kind", "reason"],
  },
  {
    name: "embeddings.waiting",
    kind: "gauge",
    help: "Documents that wait for vectors",
    tags: [],
  },
  { name: "errors", kind: "counter", help: "Failures", tags: ["type", "handler"] },
  {
    name: "cache.operations",
    kind: "counter",
    help: "Reads and writes of the cache",
    tags: ["operation", "result"],
  },
  { name: "db.query", kind: "timer", help: "Time of a database query", tags: [] },
  {
    name: "actor.restarts",
    kind: "counter",
    help: "Restarts of an actor by its supervisor",
    tags: ["actor"],
  },
  {
    name: "updates.dead",
    kind: "counter",
    help: "Updates that were given up and kept as dead letters",
    tags: ["reason"],
  },
  {
    name: "replies.repeated",
    kind: "counter",
    help: "Replies of another try: kept from being sent again, or possibly sent again",
    tags: ["outcome"],
  },
  { name: "queue.size", kind: "gauge", help: "Updates that wait to be handled", tags: [] },
  { name: "bot.startup_time", kind: "timer", help: "Time from start to ready", tags: [] },
];
