/** The LibraryActor and its documents: stages, refusals, limits, and an orderly end. */
import assert from "node:assert/strict";
import { createActor, fromCallback, fromPromise, SimulatedClock } from "xstate";
import {
  type DocumentInput,
  documentMachine,
  type IndexInput,
  type Recognised,
} from "../actors/document.ts";
import { libraryMachine, MAX_DOCUMENTS } from "../actors/library.ts";
import { ask, OverloadedError } from "../lib/ask.ts";
import {
  type AddedDocument,
  type DocumentInfo,
  DocumentRefusedError,
  type Extracted,
  type Stage,
} from "../lib/library.ts";
import { settle } from "./support/machines.ts";

const info: DocumentInfo = {
  id: 1,
  name: "a.pdf",
  format: "pdf",
  unit: "page",
  pages: 1,
  tokens: 10,
  bytes: 3,
  sha256: "abc",
};
const extracted: Extracted = {
  tables: [],
  files: [],
  unread: 0,
  format: "pdf",
  unit: "page",
  pages: 1,
  passages: [],
  postings: [],
  tokens: 0,
};

function startLibrary({ known = false, isRecording = false } = {}) {
  const clock = new SimulatedClock();
  const world = { closed: false, indexed: [] as string[], aborted: 0 };
  const extraction = Promise.withResolvers<Extracted>();
  const listening = Promise.withResolvers<Extracted>();
  const document = documentMachine.provide({
    actors: {
      recognise: fromPromise<Recognised, DocumentInput>(() =>
        Promise.resolve({ sha256: "abc", isRecording, ...(known && { document: info }) })
      ),
      extract: fromPromise<Extracted, DocumentInput>(({ signal }) => {
        signal.addEventListener("abort", () => world.aborted++, { once: true });
        return extraction.promise;
      }),
      listen: fromPromise<Extracted, DocumentInput>(({ signal, input: { ask } }) => {
        signal.addEventListener("abort", () => world.aborted++, { once: true });
        ask.replyTo.chunk({ stage: "listening", part: 1, of: 2 });
        return listening.promise;
      }),
      index: fromPromise<AddedDocument, IndexInput>(({ input }) => {
        world.indexed.push(`${input.sha256} ${input.extracted.format}`);
        return Promise.resolve({ document: info, known: false, files: [], unread: 0 });
      }),
    },
  });
  const library = createActor(
    libraryMachine.provide({
      actors: {
        document,
        open: fromPromise(() => Promise.resolve("2 readers")),
        close: fromPromise(() => {
          world.closed = true;
          return Promise.resolve();
        }),
      },
    }),
    { clock, systemId: "library" },
  ).start();
  const stages: Stage[] = [];
  const add = (signal?: AbortSignal) =>
    ask(
      library.system,
      "library.add",
      { userId: 1, name: "a.pdf", bytes: new Uint8Array(3) },
      { onChunk: (stage) => stages.push(stage), ...(signal && { signal }) },
    );
  return { library, clock, world, extraction, listening, add, stages };
}

Deno.test("library takes a document through its stages to ready", async () => {
  const { library, world, extraction, add, stages } = startLibrary();
  await settle();
  const added = add();
  await settle();
  assert.deepEqual(stages, [{ stage: "extracting" }]);
  extraction.resolve(extracted);
  assert.deepEqual(await added, { document: info, known: false, files: [], unread: 0 });
  assert.deepEqual(stages, [{ stage: "extracting" }, { stage: "indexing" }]);
  assert.deepEqual(world.indexed, ["abc pdf"]);
  await settle();
  assert.equal(library.getSnapshot().context.documents, 0);
});

Deno.test("library recognises a content that it has already, and reads nothing", async () => {
  const { add, stages } = startLibrary({ known: true });
  await settle();
  assert.deepEqual(await add(), { document: info, known: true, files: [], unread: 0 });
  assert.deepEqual(stages, []);
});

Deno.test("library has recordings heard, more of them at once than it has readers", async () => {
  const { library, world, listening, add, stages } = startLibrary({ isRecording: true });
  await settle();
  const adds = Array.from({ length: 5 }, () => add());
  await settle();
  assert.equal(stages.length, 5);
  assert.deepEqual(stages[0], { stage: "listening", part: 1, of: 2 });
  assert.deepEqual(library.getSnapshot().context.running, []);
  listening.resolve(extracted);
  await Promise.all(adds);
  assert.equal(world.indexed.length, 5);
});

Deno.test("library ends the listening when the sender gives up", async () => {
  const { library, world, add } = startLibrary({ isRecording: true });
  await settle();
  const sender = new AbortController();
  const added = add(sender.signal);
  await settle();
  sender.abort(new Error("cancelled"));
  await assert.rejects(added, /cancelled/);
  await settle();
  assert.deepEqual([world.aborted, library.getSnapshot().context.documents], [1, 0]);
});

Deno.test("library tells the sender why a document is refused", async () => {
  const { library, extraction, add } = startLibrary();
  await settle();
  const added = add();
  extraction.reject(new DocumentRefusedError("encrypted", "it needs a password"));
  await assert.rejects(added, { name: "DocumentRefusedError", reason: "encrypted" });
  await settle();
  assert.equal(library.getSnapshot().context.documents, 0);
});

Deno.test("library ends the reading when the sender gives up", async () => {
  const { library, world, add } = startLibrary();
  await settle();
  const sender = new AbortController();
  const added = add(sender.signal);
  await settle();
  sender.abort(new Error("cancelled"));
  await assert.rejects(added, /cancelled/);
  await settle();
  assert.equal(world.aborted, 1);
  assert.equal(library.getSnapshot().context.documents, 0);
});

Deno.test("library refuses more documents than it can have in work", async () => {
  const { extraction, add } = startLibrary();
  await settle();
  const adds = Array.from({ length: MAX_DOCUMENTS }, () => add());
  await assert.rejects(add(), OverloadedError);
  extraction.resolve(extracted);
  await Promise.all(adds);
});

Deno.test("library finishes its documents before it closes", async () => {
  const { library, world, extraction, add } = startLibrary();
  await settle();
  const added = add();
  await settle();
  library.send({ type: "stop" });
  await settle();
  assert.equal(world.closed, false);
  extraction.resolve(extracted);
  await added;
  await settle();
  assert.equal(world.closed, true);
  assert.equal(library.getSnapshot().status, "done");
});

Deno.test("library closes although a reading hangs", async () => {
  const { library, clock, world, add } = startLibrary();
  await settle();
  const added = add();
  await settle();
  library.send({ type: "stop" });
  clock.increment(30_000);
  await settle();
  assert.equal(world.closed, true);
  await assert.rejects(added);
});

Deno.test("library reads a bounded number at once, the user with fewer first", async () => {
  const order: string[] = [];
  const ends = new Map<string, () => void>();
  const document = documentMachine.provide({
    actors: {
      recognise: fromPromise<Recognised, DocumentInput>(() => Promise.resolve({ sha256: "abc" })),
      extract: fromPromise<Extracted, DocumentInput>(({ input: { ask: { name } } }) => {
        order.push(name);
        return new Promise((resolve) => ends.set(name, () => resolve(extracted)));
      }),
      index: fromPromise<AddedDocument, IndexInput>(() =>
        Promise.resolve({ known: false, files: [], unread: 0 })
      ),
    },
  });
  const library = createActor(
    libraryMachine.provide({
      actors: { document, open: fromPromise(() => Promise.resolve("2 readers")) },
    }),
    { systemId: "library", input: { readers: 2, embeds: false } },
  ).start();
  const add = (userId: number, name: string) =>
    ask(library.system, "library.add", { userId, name, bytes: new Uint8Array(3) });
  await settle();
  const adds = ["a1", "a2", "a3", "a4"].map((name) => add(1, name));
  await settle();
  adds.push(add(2, "b1"));
  await settle();
  assert.deepEqual(order, ["a1", "a2"]);
  ends.get("a1")?.();
  await settle();
  assert.deepEqual(order, ["a1", "a2", "b1"], "the other user's file goes first");
  for (const name of ["a2", "b1", "a3", "a4"]) {
    ends.get(name)?.();
    await settle();
  }
  await Promise.all(adds);
  assert.deepEqual(order, ["a1", "a2", "b1", "a3", "a4"]);
});

Deno.test("library stops reading what its sender has cancelled, and says so", async () => {
  const world = { aborted: 0, cancel: () => {} };
  const document = documentMachine.provide({
    actors: {
      watch: fromCallback(({ sendBack }) => {
        world.cancel = () => sendBack({ type: "cancelled" });
      }),
      recognise: fromPromise<Recognised, DocumentInput>(() => Promise.resolve({ sha256: "abc" })),
      extract: fromPromise<Extracted, DocumentInput>(({ signal }) => {
        signal.addEventListener("abort", () => world.aborted++, { once: true });
        return new Promise(() => {});
      }),
    },
  });
  const library = createActor(
    libraryMachine.provide({
      actors: { document, open: fromPromise(() => Promise.resolve("2 readers")) },
    }),
    { systemId: "library" },
  ).start();
  await settle();
  const added = ask(library.system, "library.add", {
    userId: 1,
    name: "a.pdf",
    bytes: new Uint8Array(3),
  });
  await settle();
  world.cancel();
  await assert.rejects(added, { name: "DocumentRefusedError", reason: "cancelled" });
  await settle();
  assert.equal(world.aborted, 1);
  assert.deepEqual(library.getSnapshot().context.running, []);
});
