/** Markdown on its way to Telegram: it formats, it is split, and it never fails. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { startBotApiServer } from "../lib/demo/bot_api_server.ts";
import { createTelegramApi } from "../lib/telegram/api.ts";
import { escapeMarkdown, toPlainText, toTelegramHtml } from "../lib/telegram/markdown.ts";
import { ChatGoneError } from "../lib/telegram/chat_target.ts";
import { createReplies, type Sending } from "../lib/telegram/replies.ts";
import { splitMarkdown } from "../lib/telegram/split.ts";

const TOKEN = "4242:secret-part";
const sending: Sending = {
  once: (_content, send) => send(),
  signal: new AbortController().signal,
};
const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** A server with one user, and replies that go to it. */
async function withServer(
  test: (world: {
    server: Awaited<ReturnType<typeof startBotApiServer>>;
    user: ReturnType<Awaited<ReturnType<typeof startBotApiServer>>["user"]>;
    replies: ReturnType<typeof createReplies>;
    api: ReturnType<typeof createTelegramApi>;
  }) => Promise<void>,
): Promise<void> {
  const server = await startBotApiServer({ token: TOKEN });
  try {
    const user = server.user({ id: 5, firstName: "Ada", languageCode: "en" });
    const api = createTelegramApi({ token: TOKEN, root: server.url });
    await test({ server, user, api, replies: createReplies(api) });
  } finally {
    await server.close();
  }
}

const sentBy = (server: { calls: readonly { method: string; status: number }[] }) =>
  server.calls.map(({ method, status }) => `${method} ${status}`);

Deno.test("what a user has written means itself within Markdown", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const folded = text.replace(/\s+/g, " ").trim();
    assert.equal(
      toPlainText(`a ${escapeMarkdown(text)} b`).replace(/\s+/g, " "),
      `a ${folded} b`.replace(/\s+/g, " "),
    );
  }));
});

Deno.test("Markdown becomes Telegram's own tags", () => {
  const cases = {
    "**bold** _italic_ `code` ~~gone~~": "<b>bold</b> <i>italic</i> <code>code</code> <s>gone</s>",
    "# Title": "<b>Title</b>",
    "> quoted\n> > twice": "<blockquote>quoted\n\ntwice</blockquote>",
    '[a](https://b.c/?d="e&f)': '<a href="https://b.c/?d=&quot;e&amp;f">a</a>',
    "[a](javascript:alert(1))": "a",
    "1 < 2 & 3 > 2": "1 &lt; 2 &amp; 3 &gt; 2",
    "- one\n- two": "• one\n• two",
    "3. three\n4. four": "3. three\n4. four",
    "| a | bb |\n|---|---|\n| ccc | d |": "<pre>a   | bb\n----+---\nccc | d</pre>",
  };
  for (const [markdown, html] of Object.entries(cases)) {
    assert.equal(toTelegramHtml(markdown), html);
  }
});

Deno.test("Telegram accepts whatever text comes out, whatever went in", async () => {
  await withServer(async ({ api }) => {
    const anyMarkdown = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          "**",
          "_",
          "`",
          "```",
          "> ",
          "| a | b |\n|---|---|\n",
          "<b>",
          "</b>",
          "&",
          "\n\n",
          "- ",
          "[x](",
          ")",
          "# ",
        ),
      ),
      { maxLength: 20 },
    ).map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(anyMarkdown, async (markdown) => {
        const html = toTelegramHtml(markdown);
        fc.pre(toPlainText(markdown).trim() !== "");
        await api.sendMessage(5, html, { parse_mode: "HTML" });
      }),
      { numRuns: 200 },
    );
  });
});

Deno.test("a long text is split into pieces that fit, and no word is lost", () => {
  const sentence = fc.lorem({ maxCount: 30 });
  fc.assert(fc.property(fc.array(sentence, { minLength: 1, maxLength: 60 }), (sentences) => {
    const markdown = sentences.join("\n\n");
    const pieces = splitMarkdown(markdown, 500);
    for (const piece of pieces) assert.ok(toPlainText(piece).length <= 500);
    assert.deepEqual(words(pieces.join("\n")), words(markdown));
  }));
});

Deno.test("a split never cuts a letter in two, and ends a word only where it must", () => {
  const pieces = splitMarkdown("😀".repeat(3_000), 1_001);
  assert.equal(pieces.join(""), "😀".repeat(3_000));
  assert.ok(pieces.every((piece) => piece.isWellFormed() && piece.length <= 1_001));
});

Deno.test("a split code block is code in every piece, and a table has its header in each", () => {
  const code = splitMarkdown("```\n" + "let x = 1;\n".repeat(100) + "```", 300);
  assert.ok(code.length > 2);
  for (const piece of code) assert.match(piece, /^```[\s\S]*```$/);
  const table = splitMarkdown("| name | sum |\n|---|---|\n" + "| walrus | 12 |\n".repeat(100), 400);
  assert.ok(table.length > 2);
  for (const piece of table) assert.match(piece, /^\| name \| sum \|/);
});

Deno.test("a short answer is one message of HTML", async () => {
  await withServer(async ({ server, user, replies }) => {
    await replies.send({ id: 5 }, "**Hello** <you>", {}, sending);
    assert.deepEqual(sentBy(server), ["sendMessage 200"]);
    assert.equal(user.messages()[0]?.text, "<b>Hello</b> &lt;you&gt;");
  });
});

Deno.test("a table and a long answer go as one rich message", async () => {
  await withServer(async ({ server, replies }) => {
    await replies.send({ id: 5 }, "| a | b |\n|---|---|\n| 1 | 2 |", {}, sending);
    await replies.send({ id: 5 }, "word ".repeat(2_000), {}, sending);
    assert.deepEqual(sentBy(server), ["sendRichMessage 200", "sendRichMessage 200"]);
  });
});

Deno.test("a server without rich messages gets several, and only the last has the buttons", async () => {
  await withServer(async ({ server, user, replies }) => {
    const gone = { code: 404, description: "Not Found" };
    server.faults.add({ method: "sendRichMessage", kind: gone, times: 99 });
    const buttons = [[{ text: "More", data: "more:1" }]];
    await replies.send({ id: 5 }, "word ".repeat(2_000), { buttons }, sending);
    assert.deepEqual(user.messages().map((each) => each.buttons.length), [0, 0, 1]);
    await replies.send({ id: 5 }, "word ".repeat(2_000), {}, sending);
    const tries = server.calls.filter(({ method }) => method === "sendRichMessage");
    assert.equal(tries.length, 1, "it is not asked again");
  });
});

Deno.test("a text whose formatting is refused goes as plain text", async () => {
  await withServer(async ({ server, user, replies }) => {
    const kind = { code: 400, description: "Bad Request: can't parse entities: no" };
    server.faults.add({ method: "sendMessage", kind });
    await replies.send({ id: 5 }, "**Hello**", {}, sending);
    assert.deepEqual(user.messages().map(({ text, format }) => [text, format]), [[
      "Hello",
      "plain",
    ]]);
  });
});

Deno.test("an edit that changes nothing is no failure", async () => {
  await withServer(async ({ replies, user }) => {
    const ref = await replies.send({ id: 5 }, "same", {}, sending);
    await replies.edit(ref, "same", {}, sending);
    await replies.edit(ref, "other", {}, sending);
    assert.equal(user.messages()[0]?.text, "other");
  });
});

Deno.test("an empty text and a button with too much data are refused before they are sent", async () => {
  await withServer(async ({ server, replies }) => {
    await assert.rejects(replies.send({ id: 5 }, " \n ", {}, sending), /it has no text/);
    const buttons = [[{ text: "x", data: "y".repeat(65) }]];
    await assert.rejects(replies.send({ id: 5 }, "x", { buttons }, sending), /65 bytes/);
    assert.equal(server.calls.length, 0);
  });
});

Deno.test("a chat that is gone is told apart from what may pass", async () => {
  await withServer(async ({ server, replies }) => {
    await assert.rejects(replies.send({ id: 404 }, "x", {}, sending), ChatGoneError);
    const kind = { code: 403, description: "Forbidden: bot was blocked by the user" };
    server.faults.add({ kind });
    await assert.rejects(replies.send({ id: 5 }, "x", {}, sending), ChatGoneError);
  });
});

Deno.test("a draft shows the newest text, at most one at a time, and none after its end", async () => {
  await withServer(async ({ server, replies }) => {
    const drafts = () => server.calls.filter(({ method }) => method === "sendRichMessageDraft");
    const preview = replies.preview({ id: 5 }, 1, sending.signal);
    for (let n = 1; n <= 100; n++) preview.show("word ".repeat(n));
    await server.called(({ method }) => method === "sendRichMessageDraft").then(async () => {
      assert.equal(drafts().length, 1, "no flood");
      await server.called(({ method }) => method === "sendRichMessageDraft");
    });
    assert.match(JSON.stringify(drafts()[1]?.payload), /(word ){99}/, "the newest wins");
    preview.show("late");
    await preview.end();
    assert.equal(drafts().length, 2);
  });
});

Deno.test("groups get no drafts", async () => {
  await withServer(async ({ server, replies }) => {
    const preview = replies.preview({ id: -5 }, 1, sending.signal);
    preview.show("text");
    await preview.end();
    assert.equal(server.calls.length, 0);
  });
});

Deno.test("a flood limit is waited for as long as Telegram asks", async () => {
  await withServer(async ({ server, api }) => {
    server.faults.add({ kind: { code: 429, description: "Too Many Requests", retryAfter: 1 } });
    await api.sendMessage(5, "hello");
    const [first, second] = server.calls;
    assert.ok(first && second && second.at - first.at >= 990);
  });
});

Deno.test("what Telegram breaks is repeated, but what it refuses is not", async () => {
  await withServer(async ({ server, api }) => {
    server.faults.add({ kind: { code: 500, description: "Internal Server Error" } });
    await api.sendMessage(5, "hello");
    assert.deepEqual(sentBy(server), ["sendMessage 500", "sendMessage 200"]);
    await assert.rejects(api.sendMessage(5, ""), /message text is empty/);
    assert.equal(server.calls.length, 3);
  });
});

Deno.test("no error has the token in it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const api = createTelegramApi({ token: TOKEN, root: `http://127.0.0.1:${port}` });
  await assert.rejects(api.sendMessage(5, "hello"), (error) => {
    assert.doesNotMatch(Deno.inspect(error, { depth: 10, showHidden: true }), /secret-part/);
    return true;
  });
});
