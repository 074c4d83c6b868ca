/** The chat page of the demo in a real browser, with the real bot behind it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sampleFile } from "../lib/demo/sample.ts";
import { missingChromium, openTab, type Tab } from "./support/chromium.ts";
import { wav } from "./support/recordings.ts";
import { emptyFolder } from "./support/storage.ts";
import { startWorld, TOKEN, type World } from "./support/world.ts";

/** Who chats on the page in English, as the bot knows them. */
const VISITOR = 7_000_001;
const LAST = "document.querySelector('.message:last-child:not(.draft)[data-from=bot]')";

/** Waits until the last message is the bot's and matches; gives its text. */
async function botSays(tab: Tab, pattern: RegExp): Promise<string> {
  return String(await tab.until(`${pattern}.test(${LAST}?.innerText) && ${LAST}.innerText`));
}

async function ask(tab: Tab, text: string): Promise<void> {
  await tab.click("#text");
  await tab.type(text);
  await tab.press("Enter");
}

/** Calls a method as the bot of this world. */
async function asBot(world: World, method: string, payload: Record<string, unknown>) {
  const response = await fetch(`${world.server.url}/bot${TOKEN}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ chat_id: VISITOR, ...payload }),
  });
  const answer = await response.json();
  assert.equal(answer.ok, true, JSON.stringify(answer));
}

// A quiet run shows no more of a skipped test than its name.
const skipped = missingChromium === undefined ? "" : ` (skipped: ${missingChromium})`;

Deno.test({
  name: `a visitor chats with the bot on the page${skipped}`,
  ignore: missingChromium !== undefined,
  async fn(t) {
    await using folder = await emptyFolder();
    await using world = await startWorld("embedded", {}, { sample: sampleFile });
    await using tab = await openTab();
    await tab.open(world.server.url);

    await t.step("a first visit shows what to do", async () => {
      await tab.until(`/Drop a document/.test(document.querySelector("#hint").innerText)`);
      assert.equal(await tab.evaluate(`document.title`), "Document assistant");
    });

    await t.step("a file dropped on the page becomes ready", async () => {
      const sample = await sampleFile("en");
      const path = join(folder.path, sample.name);
      await Deno.writeFile(path, sample.bytes);
      await tab.drag("#chat", path, false);
      await tab.until(`/Drop it here/.test(document.querySelector("#drop").innerText)`);
      await tab.drag("body", path, true);
      await botSays(tab, /Lighthouse report 2025\.pdf is ready: 8 pages/);
      const hidden = `["drop", "hint"].every((id) => document.getElementById(id).hidden)`;
      assert.equal(await tab.evaluate(hidden), true);
    });

    await t.step("a typed question is answered with the page and its quote", async () => {
      await ask(tab, "What notice period applies to an engagement?");
      await botSays(tab, /three months' notice[^]*p\. 4/);
      const quotes = `[...${LAST}.querySelectorAll("blockquote")].map((each) => each.innerText)`;
      const [quote] = await tab.evaluate(quotes) as string[];
      assert.match(String(quote), /three months' notice/);
      assert.equal(await tab.evaluate(`document.querySelector("#text").value`), "");
    });

    await t.step("a suggested question is asked by a click, and not suggested again", async () => {
      const wind = "[data-testid=question]:first-child";
      assert.match(
        String(await tab.until(`document.querySelector("${wind}").innerText`)),
        /strongest wind/,
      );
      await tab.click(wind);
      // The answer before may have the same passage, so it does not tell that this one is there.
      await tab.until(
        `/^How much was spent on cat food\\?$/.test(document.querySelector("#questions").innerText)`,
      );
      await botSays(tab, /47 metres[^]*p\. 5/);
    });

    await t.step("a button of a message does what it says", async () => {
      await ask(tab, "/mydocs");
      await botSays(tab, /Your documents/);
      await tab.click(".message:last-child [data-testid=button]");
      await botSays(tab, /Now active: .*Lighthouse/);
    });

    await t.step("the menu offers the bot's commands, and Escape closes it", async () => {
      await tab.click("#commands");
      await tab.until(
        `/\\/mydocs\\s+Your documents/.test(document.querySelector("#menu").innerText)`,
      );
      await tab.press("Escape");
      await tab.until(`document.querySelector("#menu").hidden`);
      assert.equal(await tab.evaluate(`document.activeElement.id`), "commands");
    });

    await t.step("the page shows that the bot is typing", async () => {
      await asBot(world, "sendChatAction", { action: "typing" });
      await tab.until(`document.querySelector("#status").innerText === "typing …"`);
    });

    await t.step("a draft grows until the message replaces it", async () => {
      for (const markdown of ["The fee", "The fee is **4 euros**"]) {
        await asBot(world, "sendRichMessageDraft", { draft_id: 1, rich_message: { markdown } });
        const text = markdown.replaceAll("**", "");
        await tab.until(`document.querySelector(".draft")?.innerText.trim() === "${text}"`);
      }
      assert.equal(await tab.evaluate(`document.querySelectorAll(".draft").length`), 1);
      const markdown = "| Who | Fee |\n| --- | ---: |\n| Adults | 4 euros |";
      await asBot(world, "sendRichMessage", { rich_message: { markdown } });
      await tab.until(`${LAST}?.querySelector("td.end")?.innerText === "4 euros"`);
      assert.equal(await tab.evaluate(`document.querySelector(".draft")`), null);
      assert.equal(await tab.evaluate(`document.querySelector("#status").innerText`), "");
    });

    await t.step("a draft that can be stopped has a button for it", async () => {
      const draft = { draft_id: 9, can_stop: true, rich_message: { markdown: "The fee" } };
      await asBot(world, "sendRichMessageDraft", draft);
      await tab.until(`document.querySelector(".draft button")?.innerText === "Stop"`);
      await tab.click(".draft button");
      const sent = `performance.getEntriesByType("resource").some(({ name, responseStatus }) =>
        name.endsWith("/chat/en/stop") && responseStatus === 200)`;
      await tab.until(sent);
      await asBot(world, "sendMessage", { text: "Stopped." });
      await tab.until(`document.querySelector(".draft") === null`);
    });

    await t.step("a sound can be played where it stands", async () => {
      const body = new FormData();
      body.append("chat_id", String(VISITOR));
      body.append("audio", new File([wav(2).slice()], "answer.wav"));
      const url = `${world.server.url}/bot${TOKEN}/sendAudio`;
      const sent = await (await fetch(url, { method: "POST", body })).json();
      assert.equal(sent.result.audio.file_size, wav(2).length);
      await tab.until(`${LAST}?.querySelector("audio")?.duration === 2`);
      assert.match(await botSays(tab, /answer/), /answer\.wav/);
    });

    await t.step("text of a message is never taken for the page's own HTML", async () => {
      const markdown = "<img src=x onerror=alert(1)> [here](javascript:alert(1)) end";
      await asBot(world, "sendRichMessage", { rich_message: { markdown } });
      assert.match(await botSays(tab, /end/), /<img src=x onerror=alert\(1\)>/);
      const made = `[${LAST}.querySelector("img"), ${LAST}.querySelector("a").protocol]`;
      assert.deepEqual(await tab.evaluate(made), [null, "http:"]);
    });

    await t.step("nothing is wider than a phone", async () => {
      const size = { width: 390, height: 844, deviceScaleFactor: 1, mobile: false };
      await tab.send("Emulation.setDeviceMetricsOverride", size);
      const widths = `["html", "#chat"].map((each) => document.querySelector(each))
        .every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)`;
      await tab.until(`innerWidth === 390`);
      assert.equal(await tab.evaluate(widths), true);
      await tab.send("Emulation.clearDeviceMetricsOverride");
      await tab.until(`innerWidth > 390`);
    });

    await t.step("in Russian all is Russian, and the chat is another", async () => {
      await tab.click("[data-testid=language-ru]");
      await tab.until(`/Перетащите документ/.test(document.querySelector("#hint").innerText)`);
      assert.equal(await tab.evaluate(`document.documentElement.lang`), "ru");
      await tab.click("#commands");
      await tab.until(
        `/\\/mydocs\\s+Ваши документы/.test(document.querySelector("#menu").innerText)`,
      );
      await tab.press("Escape");
      await tab.click("#sample");
      await botSays(tab, /готов/);
      await tab.click("[data-testid=question]");
      await botSays(tab, /120 000 рублей[^]*ч\. 1/);
    });

    await t.step("the chat and its language are still there after a reload", async () => {
      await tab.open(world.server.url);
      await botSays(tab, /120 000 рублей/);
    });

    assert.deepEqual(tab.errors, [], "nothing failed in the page");
  },
});
