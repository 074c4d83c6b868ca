/** Metrics: the summary, the text for Prometheus, and bounds that strangers cannot break. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createMetrics } from "../lib/metrics.ts";
import { prometheusName } from "../lib/metrics/names.ts";
import { Samples } from "../lib/metrics/samples.ts";

/** Sample lines of Prometheus' text, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const [, series, value] = /^([a-z0-9_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    assert.ok(series !== undefined && value !== undefined, line);
    return [series, Number(value)];
  }));
}

Deno.test("the summary has counters by tags, timers and gauges", () => {
  const metrics = createMetrics();
  metrics.count("messages.handled", { type: "text" });
  metrics.count("messages.handled", { type: "text" }, 2);
  metrics.count("ai.requests", { provider: "gemini", cached: false, outcome: "answer" });
  for (const ms of [10, 30, 20, 40]) metrics.time("ai.response_time", ms);
  metrics.gauge("queue.size", 9);
  metrics.gauge("queue.size", 5);
  assert.deepEqual(metrics.summary(), {
    counters: {
      "messages.handled:type=text": 3,
      "ai.requests:cached=false,outcome=answer,provider=gemini": 1,
    },
    timers: {
      "ai.response_time": { count: 4, min: 10, max: 40, avg: 25, p50: 20, p95: 40, p99: 40 },
    },
    gauges: { "queue.size": 5 },
  });
});

Deno.test("a metric of the catalogue has its own tags alone", () => {
  const metrics = createMetrics();
  metrics.time("db.query", 1, { query: "addUpdate" });
  metrics.count("messages.handled", { type: "text", chat: 42 });
  const { timers, counters } = metrics.summary();
  assert.deepEqual(Object.keys(timers), ["db.query"]);
  assert.deepEqual(Object.keys(counters), ["messages.handled:type=text"]);
});

Deno.test("names for Prometheus have prefix, snake case and unit", () => {
  assert.equal(prometheusName("counter", "messages.handled"), "bot_messages_handled_total");
  assert.equal(prometheusName("timer", "ai.response_time"), "bot_ai_response_seconds");
  assert.equal(prometheusName("timer", "db.query"), "bot_db_query_seconds");
  assert.equal(prometheusName("gauge", "queue.size"), "bot_queue_size");
  assert.equal(prometheusName("counter", "filesRead.total"), "bot_files_read_total");
});

Deno.test("Prometheus gets counters, gauges and histograms in seconds", async () => {
  const metrics = createMetrics();
  metrics.count("ai.requests", { cached: true }, 2);
  metrics.time("ai.response_time", 1_500);
  metrics.gauge("queue.size", 5);
  const text = await metrics.render();
  const samples = samplesOf(text);
  assert.match(text, /^# TYPE bot_ai_requests_total counter$/m);
  assert.equal(samples.get('bot_ai_requests_total{cached="true",outcome="",provider=""}'), 2);
  assert.match(text, /^# TYPE bot_ai_response_seconds histogram$/m);
  assert.equal(samples.get("bot_ai_response_seconds_sum"), 1.5);
  assert.equal(samples.get('bot_ai_response_seconds_bucket{le="1"}'), 0);
  assert.equal(samples.get('bot_ai_response_seconds_bucket{le="2.5"}'), 1);
  assert.equal(samples.get("bot_queue_size"), 5);
});

Deno.test("Prometheus sees every metric of the catalogue before its first use", async () => {
  const text = await createMetrics().render();
  for (const name of ["messages_handled_total", "errors_total", "db_query_seconds", "queue_size"]) {
    assert.match(text, new RegExp(`^# TYPE bot_${name} `, "m"));
  }
});

Deno.test("figures of the process need no permission", async () => {
  const source = `import { createMetrics } from ${
    JSON.stringify(new URL("../lib/metrics.ts", import.meta.url).href)
  }; console.log(await createMetrics().render());`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--ext=ts", "-"],
    cwd: new URL("..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const samples = samplesOf(new TextDecoder().decode((await child.output()).stdout));
  assert.ok((samples.get("process_cpu_seconds_total") ?? 0) > 0);
  assert.ok((samples.get("process_resident_memory_bytes") ?? 0) > 1e6);
  assert.ok((samples.get("nodejs_heap_size_used_bytes") ?? 0) > 1e5);
  assert.ok((samples.get("process_start_time_seconds") ?? 0) > 1.7e9);
  assert.ok((samples.get("nodejs_eventloop_lag_seconds") ?? -1) >= 0);
});

Deno.test("stores do not share anything", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.gauge("queue.size", 5);
  assert.deepEqual(other.summary().gauges, {});
  assert.equal(samplesOf(await other.render()).get("bot_queue_size"), 0);
});

Deno.test("values of a tag without end become one series, and none is lost", async () => {
  const metrics = createMetrics();
  for (let chat = 0; chat < 1_000; chat += 1) {
    metrics.count("errors", { type: "timeout", handler: `chat ${chat}` });
    metrics.time("plugin.step", 1, { chat });
  }
  const { counters, timers } = metrics.summary();
  assert.equal(Object.keys(counters).length, 100);
  assert.equal(counters["errors:handler=other,type=other"], 901);
  assert.equal(Object.keys(timers).length, 100);
  assert.equal(timers["plugin.step:chat=other"]?.count, 901);
  const samples = samplesOf(await metrics.render());
  assert.equal(samples.get('bot_errors_total{handler="other",type="other"}'), 901);
});

Deno.test("names without end become one metric", () => {
  const metrics = createMetrics();
  for (let chat = 0; chat < 1_000; chat += 1) metrics.gauge(`chat.${chat}`, chat);
  const { gauges } = metrics.summary();
  assert.ok(Object.keys(gauges).length <= 201);
  assert.equal(gauges.other, 999);
});

Deno.test("a value that makes no sense is counted as an error of its metric", () => {
  const metrics = createMetrics();
  metrics.time("db.query", NaN);
  metrics.time("db.query", -1);
  metrics.count("messages.handled", { type: "text" }, -1);
  metrics.gauge("queue.size", Infinity);
  assert.deepEqual(metrics.summary(), {
    counters: {
      "errors:handler=db.query,type=metric": 2,
      "errors:handler=messages.handled,type=metric": 1,
      "errors:handler=queue.size,type=metric": 1,
    },
    timers: {},
    gauges: {},
  });
});

Deno.test("whatever plugins measure, it does not throw and Prometheus can read it", async () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("x", "x.total", "x_seconds", "X.Time", "le"));
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const tags = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("le", "a-b", "a_b")), value);
  const kind = fc.constantFrom("count", "time", "gauge");
  const use = fc.record({ kind, name, tags, amount: fc.double() });
  await fc.assert(
    fc.asyncProperty(fc.array(use), async (uses) => {
      const metrics = createMetrics();
      for (const { kind, name, tags, amount } of uses) {
        if (kind === "count") metrics.count(name, tags, amount);
        else if (kind === "time") metrics.time(name, amount, tags);
        else metrics.gauge(name, amount, tags);
      }
      metrics.summary();
      samplesOf(await metrics.render());
    }),
    { numRuns: 50 },
  );
});

Deno.test("a timer's figures are those of its samples, percentiles of the last 1,024", () => {
  const anySamples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(anySamples, (values) => {
    const samples = new Samples();
    for (const ms of values) samples.add(ms);
    const { count, min, max, p50, p95, p99 } = samples.summary();
    assert.deepEqual([count, min, max], [values.length, Math.min(...values), Math.max(...values)]);
    assert.ok(min <= p50 && p50 <= p95 && p95 <= p99 && p99 <= max);
    assert.ok(values.filter((ms) => ms <= p50).length >= values.length / 2);
  }));
  const samples = new Samples();
  for (let ms = 0; ms < 5_000; ms += 1) samples.add(ms);
  assert.deepEqual(samples.summary(), {
    count: 5_000,
    min: 0,
    max: 4_999,
    avg: 2_499.5,
    p50: 4_487,
    p95: 4_948,
    p99: 4_989,
  });
});
