/**
 * The HTTP application: health, metrics and actors for operators, updates for
 * the bot. It knows functions alone, not who is behind them; an answer never
 * shows why something failed, as the log does.
 */
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import type { HealthReport } from "../health.ts";
import { logger } from "../log.ts";
import type { MetricsSummary } from "../metrics.ts";
import { type TelegramUpdate, webhook } from "./webhook.ts";

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

const log = logger("http");

/** One actor, as operators see it. */
export interface ActorInfo {
  name: string;
  state: string;
  restarts: number;
  /** Messages or asks that it has in hand. */
  mailbox: number;
  /** Seconds since its last start. */
  uptime: number;
}

/** What the application needs of the rest of the bot. */
export interface HttpPorts {
  health(): Promise<HealthReport>;
  /** Whether the supervisor is running. */
  isReady(): boolean;
  metrics(): Promise<MetricsSummary>;
  /** Metrics in Prometheus' text format. */
  render(): Promise<string>;
  actors(): readonly ActorInfo[];
  /** Resolves once the update is stored durably. */
  receive(update: TelegramUpdate): Promise<void>;
  /** Absent: metrics and actors are open to all who reach the server. */
  httpToken?: string;
  /** Absent: no update is taken. */
  webhookSecret?: string;
}

/** The application, to be served by `serve` or asked by `app.request`. */
export function createApp(ports: HttpPorts): Hono {
  const app = new Hono();
  app.use(secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    // Whether a host is reached by HTTPS alone is for whoever ends TLS in front of us.
    strictTransportSecurity: false,
  }));
  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
  });
  if (ports.httpToken !== undefined) {
    const guard = bearerAuth({
      token: ports.httpToken,
      noAuthenticationHeader: { message: { error: "unauthorized" } },
      invalidAuthenticationHeader: { message: { error: "bad authorization header" } },
      invalidToken: { message: { error: "unauthorized" } },
    });
    for (const path of ["/metrics", "/dashboard", "/api/*"]) app.use(path, guard);
  }

  app.get("/health", async (c) => {
    const report = await ports.health();
    return c.json(report, report.status === "unhealthy" ? 503 : 200);
  });
  app.get("/health/live", (c) => c.json({ status: "live" }));
  app.get(
    "/health/ready",
    (c) => ports.isReady() ? c.json({ status: "ready" }) : c.json({ status: "not ready" }, 503),
  );
  app.get(
    "/metrics",
    async (c) => c.body(await ports.render(), 200, { "Content-Type": PROMETHEUS_TEXT }),
  );
  app.get("/api/metrics", async (c) => c.json(await ports.metrics()));
  app.get("/api/actors", (c) => c.json(ports.actors()));
  app.post("/telegram", ...webhook(ports));

  app.notFound((c) => c.json({ error: "not found" }, 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    log.error("{method} {path} failed: {error}", { method: c.req.method, path: c.req.path, error });
    // Behind every route is an actor that may be restarting: worth another try.
    return c.json({ error: "unavailable" }, 503);
  });
  return app;
}
