/** The HTTP server as an actor: up before intake, and closed once intake is down. */
import { assign, setup } from "xstate";
import { reportReady } from "../lib/lifecycle.ts";
import { notProvided } from "../lib/not_provided.ts";
import type { Lifecycle } from "./protocol.ts";

/** How long open requests may take at the end before their connections are cut. */
export const CLOSE_MS = 3_000;

export const httpMachine = setup({
  types: { context: {} as { note: string }, events: {} as Lifecycle },
  actors: {
    /** Starts to listen; gives the address. */
    listen: notProvided<string>("listen"),
    /** Lets open requests end and stops listening. */
    close: notProvided<void>("close"),
  },
  delays: { closeTimeout: CLOSE_MS },
  actions: { reportReady },
}).createMachine({
  id: "http",
  context: { note: "" },
  initial: "opening",
  states: {
    opening: {
      invoke: {
        id: "listen",
        src: "listen",
        onDone: {
          target: "listening",
          actions: [assign({ note: ({ event }) => event.output }), "reportReady"],
        },
      },
      on: { stop: "closing" },
    },
    listening: { on: { stop: "closing" } },
    closing: {
      invoke: { id: "close", src: "close", onDone: "stopped" },
      after: { closeTimeout: "stopped" },
    },
    stopped: { type: "final" },
  },
});
