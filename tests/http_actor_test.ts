/** The HttpActor and the MetricsActor: small machines that still start, serve and end in order. */
import assert from "node:assert/strict";
import { createActor, fromPromise, SimulatedClock } from "xstate";
import { CLOSE_MS, httpMachine } from "../actors/http.ts";
import { metricsMachine } from "../actors/metrics.ts";
import type { AsksOf } from "../actors/protocol.ts";
import { ask, OverloadedError, tell } from "../lib/ask.ts";
import { serving } from "../lib/serve.ts";
import { settle } from "./support/machines.ts";

function startHttp(close: () => Promise<void>) {
  const clock = new SimulatedClock();
  const listen = fromPromise(() => Promise.resolve("http://127.0.0.1:1"));
  const http = createActor(
    httpMachine.provide({ actors: { listen, close: fromPromise(close) } }),
    { clock },
  ).start();
  return { http, clock };
}

Deno.test("http listens, and notes its address", async () => {
  const { http } = startHttp(() => Promise.resolve());
  await settle();
  assert.equal(http.getSnapshot().value, "listening");
  assert.equal(http.getSnapshot().context.note, "http://127.0.0.1:1");
});

Deno.test("http closes before it is stopped", async () => {
  const closing = Promise.withResolvers<void>();
  const { http } = startHttp(() => closing.promise);
  await settle();
  http.send({ type: "stop" });
  assert.equal(http.getSnapshot().value, "closing");
  closing.resolve();
  await settle();
  assert.equal(http.getSnapshot().status, "done");
});

Deno.test("http does not wait for ever for a request that hangs", async () => {
  const { http, clock } = startHttp(() => new Promise(() => {}));
  await settle();
  http.send({ type: "stop" });
  clock.increment(CLOSE_MS);
  assert.equal(http.getSnapshot().status, "done");
});

Deno.test("http fails when it cannot listen, with the cause", async () => {
  const listen = fromPromise<string>(() => Promise.reject(new Error("address in use")));
  const http = createActor(httpMachine.provide({ actors: { listen } }));
  http.subscribe({ error: () => {} });
  http.start();
  await settle();
  assert.match(String(http.getSnapshot().error), /address in use/);
});

Deno.test("metrics records while it drains, and answers only before", async () => {
  const recorded: string[] = [];
  const answer = Promise.withResolvers<string>();
  const metrics = createActor(
    metricsMachine.provide({
      actions: { record: ({ event }) => recorded.push(event.type) },
      actors: { work: serving<AsksOf<"metrics">>(() => answer.promise) },
    }),
    { systemId: "metrics", clock: new SimulatedClock() },
  ).start();
  const rendered = ask(metrics.system, "metrics.render", {});
  metrics.send({ type: "stop" });
  assert.equal(metrics.getSnapshot().value, "draining");
  tell(metrics.system, "metrics.count", { name: "late" });
  assert.deepEqual(recorded, ["metrics.count"]);
  await assert.rejects(ask(metrics.system, "metrics.summary", {}), OverloadedError);
  answer.resolve("text");
  assert.equal(await rendered, "text");
  await settle();
  assert.equal(metrics.getSnapshot().status, "done");
});
