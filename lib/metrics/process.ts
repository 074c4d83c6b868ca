/**
 * Figures of the process itself, under the names that dashboards for
 * Prometheus know. prom-client's own read files of the system, and are silently
 * 0 without the permission; these need none.
 */
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** Adds the figures to `registry`; they are taken whenever it is rendered. */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time that the process has used",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory that the process holds",
    registers,
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process started, since the epoch",
    registers,
  }).set(performance.timeOrigin / 1_000);
  new Gauge({
    name: "nodejs_heap_size_used_bytes",
    help: "Memory that JavaScript objects use",
    registers,
    collect() {
      this.set(Deno.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    name: "nodejs_eventloop_lag_seconds",
    help: "How late a turn of the event loop came, measured when the figures are taken",
    registers,
    async collect() {
      const asked = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.set((performance.now() - asked) / 1_000);
    },
  });
}
