/**
 * One document's life: received, recognised by its content or waiting for its
 * turn to be extracted and indexed, and then ready or refused. A recording is
 * heard, which takes no reader: its turns are those of the AI. Each stage is
 * told to whoever sent it, who may cancel it at any of them.
 */
import { type AnyActorRef, assign, fromCallback, sendParent, setup } from "xstate";
import {
  type AddedDocument,
  type DocumentInfo,
  DocumentRefusedError,
  type Extracted,
} from "../lib/library.ts";
import { notProvided } from "../lib/not_provided.ts";
import type { Ask } from "./protocol.ts";

type AddAsk = Ask<"library.add">;

interface Context {
  id: string;
  ask: AddAsk;
  sha256: string;
}

/** What each stage works on. */
export interface DocumentInput {
  ask: AddAsk;
}
export interface IndexInput extends DocumentInput {
  sha256: string;
  extracted: Extracted;
}
/** The content's fingerprint, and the document if this user has sent it before. */
export interface Recognised {
  sha256: string;
  document?: DocumentInfo;
  /** It is to be heard. */
  isRecording?: boolean;
}
/** What a document tells the library of its turn at the readers. */
export type TurnEvent =
  | { type: "document.waits"; id: string; userId: number }
  | { type: "document.read"; id: string };

type Event =
  | { type: "abandoned" }
  | { type: "cancelled" }
  /** It is its turn. */
  | { type: "go" };

const sender = fromCallback<{ type: "none" }, AddAsk>(({ input, sendBack }) => {
  const gone = () => sendBack({ type: "abandoned" });
  input.signal.addEventListener("abort", gone);
  if (input.signal.aborted) gone();
  return () => input.signal.removeEventListener("abort", gone);
});

export const documentMachine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as { id: string; ask: AddAsk },
  },
  actors: {
    sender,
    /** Tells "cancelled" when the sender wants the file no more. */
    watch: fromCallback<{ type: "none" }, AddAsk>(() => {}),
    recognise: notProvided<Recognised, DocumentInput>("recognise"),
    extract: notProvided<Extracted, DocumentInput>("extract"),
    /** Tells its stages itself. */
    listen: notProvided<Extracted, DocumentInput>("listen"),
    index: notProvided<AddedDocument, IndexInput>("index"),
  },
  guards: {
    isKnown: (_, { document }: Recognised) => document !== undefined,
    isRecording: (_, { isRecording }: Recognised) => isRecording === true,
  },
  actions: {
    tellStage: ({ context }, { stage }: { stage: "extracting" | "indexing" }) =>
      context.ask.replyTo.chunk({ stage }),
    ready: ({ context }, added: AddedDocument) => context.ask.replyTo.resolve(added),
    refuse: ({ context }, { error }: { error: unknown }) => context.ask.replyTo.reject(error),
    cancel: ({ context }) =>
      context.ask.replyTo.reject(new DocumentRefusedError("cancelled", "its sender cancelled it")),
    awaitTurn: sendParent(({ context }): TurnEvent => ({
      type: "document.waits",
      id: context.id,
      userId: context.ask.userId,
    })),
    endTurn: sendParent(({ context }): TurnEvent => ({ type: "document.read", id: context.id })),
  },
}).createMachine({
  id: "document",
  context: ({ input }) => ({ ...input, sha256: "" }),
  invoke: [
    { id: "sender", src: "sender", input: ({ context }) => context.ask },
    { id: "watch", src: "watch", input: ({ context }) => context.ask },
  ],
  on: {
    abandoned: ".refused",
    cancelled: { target: ".refused", actions: "cancel" },
  },
  initial: "received",
  states: {
    received: {
      invoke: {
        id: "recognise",
        src: "recognise",
        input: ({ context }) => ({ ask: context.ask }),
        onDone: [
          {
            guard: { type: "isKnown", params: ({ event }) => event.output },
            target: "ready",
            actions: ({ context, event: { output: { document } } }) => {
              if (document === undefined) return;
              context.ask.replyTo.resolve({ document, known: true, files: [], unread: 0 });
            },
          },
          {
            guard: { type: "isRecording", params: ({ event }) => event.output },
            target: "listening",
            actions: assign({ sha256: ({ event }) => event.output.sha256 }),
          },
          {
            target: "waiting",
            actions: assign({ sha256: ({ event }) => event.output.sha256 }),
          },
        ],
        onError: {
          target: "refused",
          actions: { type: "refuse", params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    // Its end is the ask's deadline, which aborts the signal that the sender has.
    waiting: { entry: "awaitTurn", on: { go: "extracting" } },
    extracting: {
      entry: { type: "tellStage", params: { stage: "extracting" } },
      exit: "endTurn",
      invoke: {
        id: "extract",
        src: "extract",
        input: ({ context }) => ({ ask: context.ask }),
        onDone: "indexing",
        onError: {
          target: "refused",
          actions: { type: "refuse", params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    listening: {
      invoke: {
        id: "listen",
        src: "listen",
        input: ({ context }) => ({ ask: context.ask }),
        onDone: "indexing",
        onError: {
          target: "refused",
          actions: { type: "refuse", params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    indexing: {
      entry: { type: "tellStage", params: { stage: "indexing" } },
      invoke: {
        id: "index",
        src: "index",
        input: ({ context, event }: { context: Context; event: unknown; self: AnyActorRef }) => ({
          ask: context.ask,
          sha256: context.sha256,
          extracted: outputOf(event),
        }),
        onDone: {
          target: "ready",
          actions: { type: "ready", params: ({ event }) => event.output },
        },
        onError: {
          target: "refused",
          actions: { type: "refuse", params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    ready: { type: "final" },
    refused: { type: "final" },
  },
});

/** What reading or listening gave: it goes straight on and is not kept in the context. */
function outputOf(event: unknown): Extracted {
  return (event as { output: Extracted }).output;
}
