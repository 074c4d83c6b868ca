/** The HTTP application, asked in the process and over real sockets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { HealthReport } from "../lib/health.ts";
import { createApp, type HttpPorts } from "../lib/http/app.ts";
import { ListenError, serve } from "../lib/http/server.ts";
import type { TelegramUpdate } from "../lib/http/webhook.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

function reportOf(status: HealthReport["status"]): HealthReport {
  return {
    timestamp: "2026-01-01T10:30:00.000Z",
    status,
    services: {
      database: { status: "healthy", message: "ok", response_time_ms: 1.5, kind: "postgres" },
      redis: { status: "healthy", message: "ok", response_time_ms: 0.3, kind: "redis" },
      ai_service: { status: "configured", message: "ok", circuit: "closed" },
      telegram: { status: "healthy", message: "ok", mode: "webhook" },
    },
    system: {
      uptime_seconds: 3600,
      uptime_human: "1h 0m",
      cpu_percent: 15.2,
      memory_percent: 45.8,
      disk_percent: 62,
    },
    history: [],
  };
}

const SUMMARY = { counters: { "errors:type=x": 1 }, timers: {}, gauges: {} };
const ACTORS = [{ name: "db", state: "ready", restarts: 0, mailbox: 2, uptime: 60 }];

function appOf(changes: Partial<HttpPorts> = {}) {
  return createApp({
    health: () => Promise.resolve(reportOf("healthy")),
    isReady: () => true,
    metrics: () => Promise.resolve(SUMMARY),
    render: () => Promise.resolve("# TYPE bot_errors_total counter\n"),
    actors: () => ACTORS,
    receive: () => Promise.resolve(),
    ...changes,
  });
}

/** A delivery as Telegram makes it. */
function delivery(body: BodyInit, secret?: string): RequestInit {
  return {
    method: "POST",
    body,
    headers: {
      "Content-Type": "application/json",
      ...(secret !== undefined && { "X-Telegram-Bot-Api-Secret-Token": secret }),
    },
  };
}

Deno.test("health is 200 while healthy or degraded, 503 when unhealthy, with the report", async () => {
  for (const [status, code] of [["healthy", 200], ["degraded", 200], ["unhealthy", 503]] as const) {
    const health = () => Promise.resolve(reportOf(status));
    const response = await appOf({ health }).request("/health");
    assert.equal(response.status, code);
    assert.deepEqual(await response.json(), reportOf(status));
  }
});

Deno.test("live is always 200, ready only while the supervisor is running", async () => {
  let isReady = false;
  const app = appOf({ isReady: () => isReady });
  assert.equal((await app.request("/health/live")).status, 200);
  assert.equal((await app.request("/health/ready")).status, 503);
  isReady = true;
  assert.equal((await app.request("/health/ready")).status, 200);
});

Deno.test("metrics come as Prometheus text and as JSON, actors as a list", async () => {
  const app = appOf();
  const text = await app.request("/metrics");
  assert.match(text.headers.get("Content-Type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(await text.text(), "# TYPE bot_errors_total counter\n");
  assert.deepEqual(await (await app.request("/api/metrics")).json(), SUMMARY);
  assert.deepEqual(await (await app.request("/api/actors")).json(), ACTORS);
});

Deno.test("with a token, metrics and actors are for its bearer alone, health for all", async () => {
  const app = appOf({ httpToken: "right-token" });
  for (const path of ["/metrics", "/dashboard", "/api/metrics", "/api/actors", "/api/else"]) {
    const codeOf = async (authorization?: string) =>
      (await app.request(path, authorization ? { headers: { authorization } } : {})).status;
    assert.equal(await codeOf(), 401, path);
    assert.equal(await codeOf("Bearer wrong-token"), 401, path);
    assert.equal(await codeOf("Bearer right-token2"), 401, path);
    assert.equal(await codeOf("Basic cmlnaHQ="), 400, path);
    const isThere = path === "/metrics" || path === "/api/metrics" || path === "/api/actors";
    assert.equal(await codeOf("Bearer right-token"), isThere ? 200 : 404, path);
  }
  for (const path of ["/health", "/health/live", "/health/ready"]) {
    assert.equal((await app.request(path)).status, 200);
  }
  const refused = await app.request("/metrics");
  assert.deepEqual(await refused.json(), { error: "unauthorized" });
  assert.equal(refused.headers.get("X-Content-Type-Options"), "nosniff");
});

Deno.test("an update is answered only once it is stored", async () => {
  const stored = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<TelegramUpdate>();
  const receive = (update: TelegramUpdate) => {
    asked.resolve(update);
    return stored.promise;
  };
  const app = appOf({ receive, webhookSecret: "s3cret" });
  let isAnswered = false;
  const update = { update_id: 7, message: { text: "hi" } };
  const answer = Promise.resolve(
    app.request("/telegram", delivery(JSON.stringify(update), "s3cret")),
  ).finally(() => isAnswered = true);
  assert.deepEqual(await asked.promise, update);
  assert.equal(isAnswered, false);
  stored.resolve();
  assert.equal((await answer).status, 200);
});

Deno.test("an update that cannot be stored is answered 503, so that it comes again", async () => {
  const receive = () => Promise.reject(new Error("Cannot reach db.internal"));
  const app = appOf({ receive, webhookSecret: "s" });
  const response = await app.request("/telegram", delivery('{"update_id":1}', "s"));
  assert.equal(response.status, 503);
  assert.ok(!(await response.text()).includes("internal"));
});

Deno.test("without the right secret no update is taken", async () => {
  const receive = () => assert.fail("was taken");
  const body = '{"update_id":1}';
  const app = appOf({ receive, webhookSecret: "s3cret" });
  for (const secret of [undefined, "", "S3cret", "s3cret2", "s3cre"]) {
    assert.equal((await app.request("/telegram", delivery(body, secret))).status, 401);
  }
  for (const secret of [undefined, "", "undefined"]) {
    const response = await appOf({ receive }).request("/telegram", delivery(body, secret));
    assert.equal(response.status, 401);
  }
});

Deno.test("a body that is not an update is refused", async () => {
  const receive = () => assert.fail("was taken");
  const app = appOf({ receive, webhookSecret: "s" });
  const bodies = ["", "{", "null", "[]", "{}", '{"update_id":"1"}', '{"update_id":1.5}', "7"];
  for (const body of bodies) {
    assert.equal((await app.request("/telegram", delivery(body, "s"))).status, 400, body);
  }
  await fc.assert(fc.asyncProperty(fc.json(), async (body) => {
    assert.equal((await app.request("/telegram", delivery(body, "s"))).status, 400);
  }));
});

Deno.test("a body above 1 MB is refused, announced or not", async () => {
  const app = appOf({ webhookSecret: "s", receive: () => assert.fail("was taken") });
  await using server = listening(app);
  const large = `{"update_id":1,"x":"${"x".repeat(1024 * 1024)}"}`;
  const chunked = new Blob([large]).stream();
  for (const body of [large, chunked]) {
    const response = await fetch(`${server.url}/telegram`, delivery(body, "s"));
    assert.equal(response.status, 413);
    await response.body?.cancel();
  }
});

Deno.test("an unknown route or method is 404 in JSON", async () => {
  const app = appOf();
  for (const [path, method] of [["/none", "GET"], ["/telegram", "GET"], ["/health", "POST"]]) {
    const response = await app.request(path ?? "", { method: method ?? "" });
    assert.equal(response.status, 404);
    assert.deepEqual(await response.json(), { error: "not found" });
  }
});

Deno.test("a failure behind a route shows nothing of its inside", async () => {
  const fail = () => Promise.reject(new Error("Cannot ask metrics.summary as db-7 is gone"));
  const actors = () => {
    throw new TypeError("undefined is not a function");
  };
  const app = appOf({ health: fail, metrics: fail, render: fail, actors });
  for (const path of ["/health", "/metrics", "/api/metrics", "/api/actors"]) {
    const response = await app.request(path);
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { error: "unavailable" });
  }
});

Deno.test("every answer has security headers and is not cached", async () => {
  const app = appOf({ health: () => Promise.reject(new Error("gone")) });
  for (const path of ["/health", "/health/live", "/metrics", "/none"]) {
    const { headers } = await app.request(path);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(headers.get("X-Frame-Options"), "SAMEORIGIN");
    assert.match(headers.get("Content-Security-Policy") ?? "", /default-src 'none'/);
    assert.equal(headers.get("Cache-Control"), "no-store");
    assert.equal(headers.get("Strict-Transport-Security"), null);
  }
});

/** A server on a free port that closes at the end of the test. */
function listening(app: Parameters<typeof serve>[0]) {
  const server = serve(app, LOOPBACK);
  return {
    ...server,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

Deno.test("the server answers over HTTP, update included", async () => {
  const received: TelegramUpdate[] = [];
  const receive = (update: TelegramUpdate) => {
    received.push(update);
    return Promise.resolve();
  };
  await using server = listening(appOf({ receive, webhookSecret: "s" }));
  const health = await fetch(`${server.url}/health`);
  assert.equal((await health.json()).status, "healthy");
  const response = await fetch(`${server.url}/telegram`, delivery('{"update_id":3}', "s"));
  assert.deepEqual(await response.json(), { ok: true });
  assert.deepEqual(received, [{ update_id: 3 }]);
});

Deno.test("closing lets a request in work end, and cuts idle connections", async () => {
  const isIn = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const receive = () => {
    isIn.resolve();
    return mayEnd.promise;
  };
  const server = serve(appOf({ receive, webhookSecret: "s" }), LOOPBACK);
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await idle.write(new TextEncoder().encode("GET /health/live HTTP/1.1\r\nHost: bot\r\n\r\n"));
  const buffer = new Uint8Array(10_000);
  assert.ok(await idle.read(buffer));
  const url = `http://127.0.0.1:${server.port}/telegram`;
  const answer = fetch(url, delivery('{"update_id":3}', "s"));
  await isIn.promise;
  const closed = server.close();
  assert.equal(await idle.read(buffer), null);
  mayEnd.resolve();
  assert.equal((await (await answer).json()).ok, true);
  await closed;
  await server.close();
});

Deno.test("when the signal aborts, requests in work are cut", async () => {
  const isIn = Promise.withResolvers<void>();
  const end = new AbortController();
  const health = () => {
    isIn.resolve();
    return new Promise<never>(() => {});
  };
  const server = serve(appOf({ health }), LOOPBACK, end.signal);
  const answer = fetch(`http://127.0.0.1:${server.port}/health`);
  const cut = assert.rejects(answer, TypeError);
  await isIn.promise;
  end.abort();
  await cut;
  await server.close();
  assert.throws(() => serve(appOf(), LOOPBACK, end.signal), { name: "AbortError" });
});

Deno.test("a taken address is an error that names it", async () => {
  await using server = listening(appOf());
  assert.throws(
    () => serve(appOf(), { ...LOOPBACK, port: server.port }),
    (error) =>
      error instanceof ListenError && error.message.includes(`127.0.0.1:${server.port}`) &&
      error.cause instanceof Deno.errors.AddrInUse,
  );
});
