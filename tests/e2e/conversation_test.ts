/** A conversation with the whole bot, on both kinds of storage. */
import assert from "node:assert/strict";
import type { ChatMessage, DemoUser } from "../../lib/demo/chats.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld, type Storage } from "../support/world.ts";

/** Waits until the last message of the bot matches; gives it. */
async function botSays(user: DemoUser, pattern: RegExp): Promise<ChatMessage> {
  const isIt = (message: ChatMessage | undefined) =>
    message?.from === "bot" && pattern.test(message.text);
  const messages = await user.waitFor((all) => isIt(all.at(-1)), 15_000);
  const last = messages.at(-1);
  if (last === undefined) throw new Error("Cannot be: there is a last message");
  return last;
}

function dataOf(message: ChatMessage, text: RegExp): string {
  const button = message.buttons.flat().find((each) => text.test(each.text));
  assert.ok(button, `a button ${text} under: ${message.text}`);
  return button.data;
}

for (const storage of ["embedded", "services"] satisfies Storage[]) {
  Deno.test({
    name: `the bot converses (${storage})`,
    ignore: storage === "services" && missingServices !== undefined,
    async fn(t) {
      await using world = await startWorld(storage);
      const ada = world.user("en");
      const boris = world.user("ru");

      await t.step(
        "it greets each user in their language, with the commands in the menu",
        async () => {
          ada.sendText("/start");
          await botSays(ada, /answer questions about your documents/);
          boris.sendText("/start");
          await botSays(boris, /Отвечаю на вопросы/);
          ada.sendText("/help");
          await botSays(ada, /\/mydocs — Your documents/);
        },
      );

      await t.step("it asks for a document before a question", async () => {
        ada.sendText("What is the notice period?");
        await botSays(ada, /Send me a document first/);
      });

      await t.step("it takes a document, in one message that ends as ready", async () => {
        const before = ada.messages().length;
        ada.sendFile(await sampleFile("en"));
        const ready = await botSays(ada, /is ready: 8 pages/);
        assert.equal(ada.messages().length, before + 2, "the file and one message");
        assert.match(ready.text, /Lighthouse report 2025\.pdf/);
        boris.sendFile(await sampleFile("ru"));
        await botSays(boris, /готов/);
      });

      await t.step("it answers with the page, and again from the cache", async () => {
        ada.sendText("What notice period applies to an engagement?");
        const first = await botSays(ada, /three months' notice[\s\S]*p\. 4/);
        ada.sendText("what notice period applies to an engagement");
        const second = await botSays(ada, /p\. 4/);
        assert.notEqual(second.id, first.id);
        assert.equal(second.text, first.text);
        const { counters } = await world.metrics();
        assert.equal(counters["cache.operations:operation=get,result=hit"], 1);
      });

      await t.step("it answers in Russian about a Russian text", async () => {
        boris.sendText("Какой залог вносит пилот?");
        await botSays(boris, /120 000 рублей[\s\S]*ч\. 1/);
      });

      await t.step("the same file again is recognised by its content", async () => {
        ada.sendFile({ ...await sampleFile("en"), name: "copy.pdf" });
        await botSays(ada, /ready: I know this file already/);
      });

      await t.step("a caption is a question about its file", async () => {
        ada.sendFile({
          name: "notes.txt",
          bytes: new TextEncoder().encode("The password of the cellar is walrus."),
          mimeType: "text/plain",
          caption: "What is the password of the cellar?",
        });
        await botSays(ada, /walrus[\s\S]*part 1/);
      });

      await t.step("a file that cannot be read is refused in one sentence", async () => {
        ada.sendFile({ name: "empty.txt", bytes: new Uint8Array(), mimeType: "text/plain" });
        await botSays(ada, /cannot use .*empty\.txt.*nothing in it/);
        const bytes = crypto.getRandomValues(new Uint8Array(2_000));
        ada.sendFile({ name: "noise.bin", bytes, mimeType: "application/octet-stream" });
        await botSays(ada, /cannot use .*noise\.bin.*I read pdf, docx, .*txt, md.* files/);
      });

      await t.step(
        "a voice note is told that it cannot be heard, not asked for a file",
        async () => {
          ada.sendVoice(new Uint8Array(10));
          await botSays(ada, /cannot listen to voice notes/);
        },
      );

      await t.step("documents are listed, chosen and deleted by buttons", async () => {
        ada.sendText("/mydocs");
        const list = await botSays(ada, /Your documents/);
        ada.press(list.id, dataOf(list, /Lighthouse/));
        await botSays(ada, /Now active: .*Lighthouse/);
        ada.press(list.id, dataOf(list, /🗑/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === list.id && /Delete/.test(text))
        );
        const question = ada.messages().find(({ id }) => id === list.id);
        assert.ok(question);
        ada.press(list.id, dataOf(question, /Yes/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === list.id && /notes\.txt.* is deleted/.test(text))
        );
        ada.sendText("/mydocs");
        const after = await botSays(ada, /Your documents/);
        assert.equal(after.buttons.length, 1, "one document, and nothing to choose among");
      });

      await t.step("nobody can open or delete the document of somebody else", async () => {
        ada.sendText("/mydocs");
        const list = await botSays(ada, /Your documents/);
        const open = dataOf(list, /Lighthouse/);
        const number = open.split(":")[1];
        boris.sendText("/mydocs");
        const own = await botSays(boris, /Ваши документы/);
        boris.press(own.id, open);
        await botSays(boris, /больше нет/);
        boris.press(own.id, `doc-delete-yes:${number}`);
        await boris.waitFor((all) =>
          all.some(({ id, text }) => id === own.id && /больше нет/.test(text))
        );
        boris.sendText("Какой залог вносит пилот?");
        await botSays(boris, /120 000 рублей/);
        ada.sendText("How strong was the strongest wind?");
        await botSays(ada, /47 metres[\s\S]*p\. 5/);
      });

      await t.step("the choice of a language is kept", async () => {
        ada.sendText("/language");
        const question = await botSays(ada, /Which language/);
        ada.press(question.id, dataOf(question, /Русский/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === question.id && /по-русски/.test(text))
        );
        ada.sendText("/clear");
        await botSays(ada, /Забыл/);
        ada.sendText("/clear");
        await botSays(ada, /Забывать было нечего/);
        ada.sendText("/stats");
        await botSays(ada, /Документов: 1/);
      });

      await t.step("an unknown command is answered with where to look", async () => {
        boris.sendText("/unknown");
        await botSays(boris, /\/help/);
      });

      await t.step("no message ever showed an internal name", () => {
        for (const { text } of [...ada.messages(), ...boris.messages()]) {
          assert.doesNotMatch(text, /undefined|\bat \w+ \(|Error:|\{ \$/);
        }
      });

      await t.step("it stops in order, and nothing is left open", async () => {
        assert.deepEqual(await world.stop(), {});
      });
    },
  });
}
