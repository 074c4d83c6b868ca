/**
 * When passages get their vectors: in the background, one batch after the
 * other, at once when a document has become ready, and with growing pauses
 * while the AI or the database is away. What is to be done stands in the
 * database, so a restart goes on where another process ended.
 */
import { assign, setup } from "xstate";
import { notProvided } from "../lib/not_provided.ts";
import type { EmbeddedBatch } from "../lib/retrieval/embed_passages.ts";

/** How often it looks for documents that other replicas or earlier failures have left. */
export const LOOK_MS = 30_000;
export const PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 5 * 60_000;

interface Context {
  /** Whether there is a model at all. */
  isOn: boolean;
  /** Failed batches in a row. */
  failures: number;
  /** A document has become ready since the last look. */
  isWoken: boolean;
}

export const embeddingMachine = setup({
  types: {
    context: {} as Context,
    events: {} as { type: "wake" },
    input: {} as { isOn: boolean },
  },
  actors: { embed: notProvided<EmbeddedBatch>("embed") },
  delays: {
    pause: ({ context }) => Math.min(PAUSE_MS * 2 ** (context.failures - 1), MAX_PAUSE_MS),
  },
  guards: {
    isOn: ({ context }) => context.isOn,
    isWoken: ({ context }) => context.isWoken,
    hasFailed: (_, { outcome }: EmbeddedBatch) => outcome === "failed",
    hasMade: (_, { outcome }: EmbeddedBatch) => outcome === "made",
  },
  actions: {
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgive: assign({ failures: 0 }),
  },
}).createMachine({
  id: "embedding",
  context: ({ input }) => ({ ...input, failures: 0, isWoken: false }),
  initial: "deciding",
  states: {
    deciding: { always: [{ guard: "isOn", target: "working" }, { target: "off" }] },
    off: {},
    working: {
      entry: assign({ isWoken: false }),
      on: { wake: { actions: assign({ isWoken: true }) } },
      invoke: {
        id: "embed",
        src: "embed",
        onDone: [
          {
            guard: { type: "hasFailed", params: ({ event }) => event.output },
            target: "pausing",
            actions: "countFailure",
          },
          {
            guard: { type: "hasMade", params: ({ event }) => event.output },
            target: "working",
            reenter: true,
            actions: "forgive",
          },
          { guard: "isWoken", target: "working", reenter: true },
          { target: "resting", actions: "forgive" },
        ],
        onError: { target: "pausing", actions: "countFailure" },
      },
    },
    resting: { on: { wake: "working" }, after: { [LOOK_MS]: "working" } },
    // A new document does not make a service come back.
    pausing: { after: { pause: "working" } },
  },
});
