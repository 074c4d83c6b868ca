/** The local Bot API server: which messages, drafts, buttons and edits it refuses, as Telegram does. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { refused, startServer, TOKEN } from "./support/bot_api.ts";

Deno.test("HTML that Telegram cannot parse is refused", async () => {
  await using world = await startServer();
  const send = (text: string) => world.call("sendMessage", { text, parse_mode: "HTML" });
  for (
    const text of [
      "<b>open",
      "<b><i>crossed</b></i>",
      "</b>",
      "1 < 2",
      "<p>unknown</p>",
      "<b>x</i>",
    ]
  ) {
    refused(await send(text), 400, /can't parse entities/);
  }
  const good =
    '<b>1 &lt; 2</b> <a href="https://example.org/">&amp;</a> <blockquote>q</blockquote>';
  assert.equal((await send(good)).ok, true);
  assert.equal((await world.call("sendMessage", { text: "1 < 2" })).ok, true, "plain text");
});

Deno.test("texts have Telegram's lengths, counted as they are shown", async () => {
  await using world = await startServer();
  const html = (text: string) => world.call("sendMessage", { text, parse_mode: "HTML" });
  const rich = (markdown: string) => world.call("sendRichMessage", { rich_message: { markdown } });
  refused(await html(" \n"), 400, /text is empty/);
  assert.equal((await html(`<b>${"&lt;".repeat(4_096)}</b>`)).ok, true);
  refused(await html("x".repeat(4_097)), 400, /too long/);
  assert.equal((await rich("x".repeat(32_768))).ok, true);
  refused(await rich("x".repeat(32_769)), 400, /too long/);
  refused(await rich(""), 400, /empty/);
  refused(await world.call("sendMessage", { chat_id: 999, text: "x" }), 400, /chat not found/);
});

Deno.test("drafts are for private chats, and never are messages", async () => {
  await using world = await startServer();
  const draft = (payload: Record<string, unknown>) =>
    world.call("sendRichMessageDraft", { rich_message: { markdown: "growing" }, ...payload });
  refused(await draft({ draft_id: 0 }), 400, /DRAFT_ID_INVALID/);
  refused(await draft({ draft_id: 1, chat_id: -5 }), 400, /private/);
  assert.equal((await draft({ draft_id: 1 })).result, true);
  assert.deepEqual(world.user.messages(), []);
});

Deno.test("the data of a button is 1 to 64 bytes long", async () => {
  await using world = await startServer();
  const character = fc.constantFrom("a", "я", "語", "🗑");
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: character, maxLength: 70 }), async (callback_data) => {
      const reply_markup = { inline_keyboard: [[{ text: "press", callback_data }]] };
      const answer = await world.call("sendMessage", { text: "x", reply_markup });
      const { length } = new TextEncoder().encode(callback_data);
      if (length >= 1 && length <= 64) assert.equal(answer.ok, true);
      else refused(answer, 400, /BUTTON_DATA_INVALID/);
    }),
    { numRuns: 50 },
  );
});

Deno.test("an edit changes a message of the bot, and must change something", async () => {
  await using world = await startServer();
  const { result } = await world.call("sendMessage", { text: "Reading" });
  const { message_id } = result as { message_id: number };
  const edit = (text: string, id = message_id) =>
    world.call("editMessageText", { message_id: id, text });
  refused(await edit("Reading"), 400, /not modified/);
  assert.equal((await edit("Ready")).ok, true);
  assert.equal(world.user.messages()[0]?.text, "Ready");
  world.user.sendText("mine");
  refused(await edit("yours", world.user.messages()[1]?.id), 400, /to edit not found/);
  assert.equal((await world.call("deleteMessage", { message_id })).ok, true);
  refused(await world.call("deleteMessage", { message_id }), 400, /to delete not found/);
});

Deno.test("the menu of commands is that of the language, else the common one", async () => {
  await using world = await startServer();
  const common = [{ command: "start", description: "What this bot does" }];
  const russian = [{ command: "start", description: "Что умеет бот" }];
  await world.call("setMyCommands", { commands: common });
  await world.call("setMyCommands", { commands: russian, language_code: "ru" });
  const menu = async (language_code?: string) =>
    (await world.call("getMyCommands", { language_code })).result;
  assert.deepEqual(await menu("ru"), russian);
  assert.deepEqual(await menu("en"), common);
  assert.deepEqual(await menu(), common);
});

for (
  const [method, kind] of [
    ["sendVoice", "voice"],
    ["sendAudio", "audio"],
    ["sendDocument", "document"],
  ] as const
) {
  Deno.test(`a file is sent once with its bytes and then by its id (${method})`, async () => {
    await using world = await startServer();
    refused(await world.call(method, { [kind]: "AgAD-unknown" }), 400, /wrong file identifier/);
    const body = new FormData();
    body.append("chat_id", String(world.user.id));
    body.append(kind, new File([Uint8Array.of(1, 2, 3)], "answer.ogg"));
    const url = `${world.server.url}/bot${TOKEN}/${method}`;
    const { result } = await (await fetch(url, { method: "POST", body })).json();
    const fileId = result[kind].file_id;
    assert.equal((await world.call(method, { [kind]: fileId })).ok, true);
    assert.deepEqual(
      world.user.messages().map(({ file, bytes, sound }) => [file, bytes, sound]),
      Array(2).fill(["answer.ogg", 3, kind === "document" ? undefined : fileId]),
    );
  });
}
