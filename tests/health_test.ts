/** Health: what the whole is when a part is not well, and that a report never waits. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createHealthChecker,
  type HealthCheckerOptions,
  humanUptime,
  overallStatus,
  type Services,
} from "../lib/health.ts";
import { startSystemFigures } from "../lib/health/system.ts";

const WELL: Services = {
  database: { status: "healthy", message: "ok", response_time_ms: 1, kind: "pglite" },
  redis: { status: "healthy", message: "ok", response_time_ms: 0, kind: "memory" },
  ai_service: { status: "configured", message: "ok", circuit: "closed" },
  telegram: { status: "healthy", message: "ok", mode: "polling" },
};

const ok = () => Promise.resolve({ status: "healthy", message: "ok" } as const);
const PROBES: HealthCheckerOptions["probes"] = {
  database: ok,
  redis: ok,
  ai_service: () => Promise.resolve({ status: "configured", message: "ok", circuit: "closed" }),
  telegram: ok,
};

function checkerOf(
  probes: Partial<HealthCheckerOptions["probes"]>,
  now = () => Date.UTC(2026, 0, 1),
) {
  return createHealthChecker({
    probes: { ...PROBES, ...probes },
    setup: { database: "pglite", redis: "memory", telegram: "polling" },
    dataDir: ".",
    now,
  });
}

const never = () => new AbortController().signal;

Deno.test("the whole is healthy when all is well, and without an AI by choice", () => {
  assert.equal(overallStatus(WELL), "healthy");
  const offline = { status: "offline", message: "none", circuit: "closed" } as const;
  assert.equal(overallStatus({ ...WELL, ai_service: offline }), "healthy");
});

Deno.test("the whole is unhealthy without the database, degraded without anything else", () => {
  const anyStatus = fc.constantFrom("healthy" as const, "degraded" as const, "unhealthy" as const);
  const circuit = fc.constantFrom("closed" as const, "open" as const, "half-open" as const);
  fc.assert(
    fc.property(anyStatus, anyStatus, anyStatus, anyStatus, circuit, (d, r, a, t, circuit) => {
      const status = overallStatus({
        database: { ...WELL.database, status: d },
        redis: { ...WELL.redis, status: r },
        ai_service: { ...WELL.ai_service, status: a, circuit },
        telegram: { ...WELL.telegram, status: t },
      });
      const isAllWell = [d, r, a, t].every((one) => one === "healthy") && circuit === "closed";
      assert.equal(status, d === "unhealthy" ? "unhealthy" : isAllWell ? "healthy" : "degraded");
    }),
  );
});

Deno.test("a report has the shape that outside programs read", async () => {
  let time = Date.UTC(2026, 0, 1, 9, 30);
  const checker = checkerOf({}, () => time);
  time += 3_600_000;
  const report = await checker.check(never());
  const { database, redis } = report.services;
  assert.ok(database.response_time_ms >= 0 && redis.response_time_ms >= 0);
  const { cpu_percent, memory_percent, disk_percent, ...uptime } = report.system;
  for (const percent of [cpu_percent, memory_percent, disk_percent]) {
    assert.ok(percent !== null && percent >= 0 && percent <= 100);
  }
  const timestamp = "2026-01-01T10:30:00.000Z";
  assert.deepEqual({ ...report, system: uptime }, {
    timestamp,
    status: "healthy",
    services: {
      database: { ...WELL.database, response_time_ms: database.response_time_ms },
      redis: { ...WELL.redis, response_time_ms: redis.response_time_ms },
      ai_service: WELL.ai_service,
      telegram: WELL.telegram,
    },
    system: { uptime_seconds: 3600, uptime_human: "1h 0m" },
    history: [{ timestamp, status: "healthy" }],
  });
});

Deno.test("a service that does not answer in time is unhealthy and says so", async () => {
  const deaf = () => new Promise<never>(() => {});
  const begun = performance.now();
  const { status, services } = await checkerOf({ database: deaf, ai_service: deaf }).check(never());
  assert.ok(performance.now() - begun < 1_000);
  assert.equal(status, "unhealthy");
  assert.equal(services.database.status, "unhealthy");
  assert.equal(services.database.message, "Database did not answer within 80 ms");
  assert.equal(services.database.kind, "pglite");
  assert.ok(services.database.response_time_ms >= 79);
  assert.equal(services.ai_service.circuit, "unknown");
});

Deno.test("a probe that is too slow is told by its signal", async () => {
  const told = Promise.withResolvers<void>();
  const redis = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => told.resolve(), { once: true });
    return new Promise<never>(() => {});
  };
  assert.equal((await checkerOf({ redis }).check(never())).status, "degraded");
  await told.promise;
});

Deno.test("what a failed probe threw is not in the report", async () => {
  const telegram = () => Promise.reject(new Error("connect 10.0.0.7 with 123:secret"));
  const report = await checkerOf({ telegram }).check(never());
  assert.equal(report.status, "degraded");
  assert.equal(report.services.telegram.message, "Telegram cannot be reached; the log says why");
  assert.ok(!JSON.stringify(report).includes("10.0.0.7"));
});

Deno.test("all services are asked at once", async () => {
  const all = Promise.withResolvers<void>();
  let asked = 0;
  const together = async () => {
    asked += 1;
    if (asked === 3) all.resolve();
    await all.promise;
    return await ok();
  };
  const probes = { database: together, redis: together, telegram: together };
  assert.equal((await checkerOf(probes).check(never())).status, "healthy");
});

Deno.test("a check ends when its caller gives up", async () => {
  const caller = new AbortController();
  const reason = new Error("no longer wanted");
  const database = () => {
    caller.abort(reason);
    return new Promise<never>(() => {});
  };
  const checker = checkerOf({ database });
  await assert.rejects(checker.check(caller.signal), reason);
  await assert.rejects(checker.check(caller.signal), reason);
});

Deno.test("the history keeps the last 10 checks, oldest first", async () => {
  let time = 0;
  const checker = checkerOf({}, () => time);
  for (; time < 12_000; time += 1_000) await checker.check(never());
  const { history } = await checker.check(never());
  assert.equal(history.length, 10);
  assert.equal(history[0]?.timestamp, "1970-01-01T00:00:03.000Z");
  assert.equal(history[9]?.timestamp, "1970-01-01T00:00:12.000Z");
});

Deno.test("uptime reads as days, hours and minutes", () => {
  const cases: [number, string][] = [
    [0, "0m"],
    [90, "1m"],
    [3_600, "1h 0m"],
    [86_399, "23h 59m"],
    [86_400, "1d 0h 0m"],
    [100_000, "1d 3h 46m"],
  ];
  for (const [seconds, text] of cases) assert.equal(humanUptime(seconds), text);
});

Deno.test("a figure that cannot be read is null, not a false 0", async () => {
  const read = startSystemFigures("./no/such/folder");
  assert.equal((await read()).disk_percent, null);
});

Deno.test({
  name: "without permissions the figures of the machine are null and CPU is still there",
  permissions: "none",
  fn: async () => {
    const figures = await startSystemFigures(".")();
    assert.equal(figures.memory_percent, null);
    assert.equal(figures.disk_percent, null);
    assert.ok(figures.cpu_percent >= 0);
  },
});
