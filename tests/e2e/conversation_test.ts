/** A conversation with the whole bot, on both kinds of storage. */
import assert from "node:assert/strict";
import { buttonOf, says } from "../support/chat.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld, type Storage } from "../support/world.ts";

/** Waits until the last message of the bot matches; gives it. */

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
          await says(ada, /answer questions about your documents/);
          boris.sendText("/start");
          await says(boris, /Отвечаю на вопросы/);
          ada.sendText("/help");
          await says(ada, /\/mydocs — Your documents/);
        },
      );

      await t.step("it asks for a document before a question", async () => {
        ada.sendText("What is the notice period?");
        await says(ada, /Send me a document first/);
      });

      await t.step("it takes a document, in one message that ends as ready", async () => {
        const before = ada.messages().length;
        ada.sendFile(await sampleFile("en"));
        const ready = await says(ada, /is ready: 8 pages/);
        assert.equal(ada.messages().length, before + 2, "the file and one message");
        assert.match(ready.text, /Lighthouse report 2025\.pdf/);
        boris.sendFile(await sampleFile("ru"));
        await says(boris, /готов/);
      });

      await t.step("it answers with the page, and again from the cache", async () => {
        ada.sendText("What notice period applies to an engagement?");
        const first = await says(ada, /three months' notice[\s\S]*p\. 4/);
        ada.sendText("what notice period applies to an engagement");
        const second = await says(ada, /p\. 4/);
        assert.notEqual(second.id, first.id);
        assert.equal(second.text, first.text);
        const { counters } = await world.metrics();
        assert.equal(counters["cache.operations:operation=get,result=hit"], 1);
      });

      await t.step("it answers in Russian about a Russian text", async () => {
        boris.sendText("Какой залог вносит пилот?");
        await says(boris, /120 000 рублей[\s\S]*ч\. 1/);
      });

      await t.step("the same file again is recognised by its content", async () => {
        ada.sendFile({ ...await sampleFile("en"), name: "copy.pdf" });
        await says(ada, /ready: I know this file already/);
      });

      await t.step("a caption is a question about its file", async () => {
        ada.sendFile({
          name: "notes.txt",
          bytes: new TextEncoder().encode("The password of the cellar is walrus."),
          mimeType: "text/plain",
          caption: "What is the password of the cellar?",
        });
        await says(ada, /walrus[\s\S]*part 1/);
      });

      await t.step("a file that cannot be read is refused in one sentence", async () => {
        ada.sendFile({ name: "empty.txt", bytes: new Uint8Array(), mimeType: "text/plain" });
        await says(ada, /cannot use .*empty\.txt.*nothing in it/);
        const bytes = crypto.getRandomValues(new Uint8Array(2_000));
        ada.sendFile({ name: "noise.bin", bytes, mimeType: "application/octet-stream" });
        await says(ada, /cannot use .*noise\.bin.*I read pdf, docx, .*txt, md.* files/);
      });

      await t.step(
        "a voice note is told that it cannot be heard, not asked for a file",
        async () => {
          ada.sendVoice(new Uint8Array(10));
          await says(ada, /cannot listen to voice notes/);
        },
      );

      await t.step("documents are listed, chosen and deleted by buttons", async () => {
        ada.sendText("/mydocs");
        const list = await says(ada, /Your documents/);
        ada.press(list.id, buttonOf(list, /Lighthouse/));
        await says(ada, /Now active: .*Lighthouse/);
        ada.press(list.id, buttonOf(list, /🗑/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === list.id && /Delete/.test(text))
        );
        const question = ada.messages().find(({ id }) => id === list.id);
        assert.ok(question);
        ada.press(list.id, buttonOf(question, /Yes/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === list.id && /notes\.txt.* is deleted/.test(text))
        );
        ada.sendText("/mydocs");
        const after = await says(ada, /Your documents/);
        assert.equal(after.buttons.length, 1, "one document, and nothing to choose among");
      });

      await t.step("nobody can open or delete the document of somebody else", async () => {
        ada.sendText("/mydocs");
        const list = await says(ada, /Your documents/);
        const open = buttonOf(list, /Lighthouse/);
        const number = open.split(":")[1];
        boris.sendText("/mydocs");
        const own = await says(boris, /Ваши документы/);
        boris.press(own.id, open);
        await says(boris, /больше нет/);
        boris.press(own.id, `doc-delete-yes:${number}`);
        await boris.waitFor((all) =>
          all.some(({ id, text }) => id === own.id && /больше нет/.test(text))
        );
        boris.sendText("Какой залог вносит пилот?");
        await says(boris, /120 000 рублей/);
        ada.sendText("How strong was the strongest wind?");
        await says(ada, /47 metres[\s\S]*p\. 5/);
      });

      await t.step("the choice of a language is kept", async () => {
        ada.sendText("/language");
        const question = await says(ada, /Which language/);
        ada.press(question.id, buttonOf(question, /Русский/));
        await ada.waitFor((all) =>
          all.some(({ id, text }) => id === question.id && /по-русски/.test(text))
        );
        ada.sendText("/clear");
        await says(ada, /Забыл/);
        ada.sendText("/clear");
        await says(ada, /Забывать было нечего/);
        ada.sendText("/stats");
        await says(ada, /Документов: 1/);
      });

      await t.step("an unknown command is answered with where to look", async () => {
        boris.sendText("/unknown");
        await says(boris, /\/help/);
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
