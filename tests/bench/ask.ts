/** What an ask costs against a plain call: the price of actors, deadlines and bounds. */
import { createActor, setup } from "xstate";
import type { Ask } from "../../actors/protocol.ts";
import { metricsMachine } from "../../actors/metrics.ts";
import type { AsksOf } from "../../actors/protocol.ts";
import { ask } from "../../lib/ask.ts";
import { serving } from "../../lib/serve.ts";
import { ratio, repeat, type Row, row } from "./measure.ts";

const TIMES = 5_000;

export async function benchAsk(): Promise<Row[]> {
  const plain = () => Promise.resolve("value");
  const echo = createActor(
    setup({ types: { events: {} as Ask<"cache.get"> } }).createMachine({
      on: { "cache.get": { actions: ({ event }) => event.replyTo.resolve("value") } },
    }),
    { systemId: "cache" },
  ).start();
  const served = createActor(
    metricsMachine.provide({ actors: { work: serving<AsksOf<"metrics">>(plain) } }),
    { systemId: "metrics" },
  ).start();

  const call = row("a plain asynchronous call", await repeat(TIMES, plain), "µs");
  const asked = row(
    "an ask that the actor answers itself",
    await repeat(TIMES, () => ask(echo.system, "cache.get", { key: "k" })),
    "µs",
  );
  const work = row(
    "an ask that is served by a child",
    await repeat(TIMES, () => ask(served.system, "metrics.render", {})),
    "µs",
  );
  return [call, { ...asked, beside: ratio(asked, call) }, { ...work, beside: ratio(work, call) }];
}
