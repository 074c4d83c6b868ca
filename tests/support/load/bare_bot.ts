/**
 * What one would write first: grammY's echo bot by webhook, its build for the
 * web, with Hono. It keeps nothing: what is in its hands when it dies is lost.
 */
import { Bot, webhookCallback } from "grammy";
import { Hono } from "hono";

const [apiRoot = "", token = "", secretToken = ""] = Deno.args;
const bot = new Bot(token, { client: { apiRoot } });
bot.on("message:text", async (context) => {
  await context.reply(context.message.text);
});
await bot.init();
const app = new Hono();
app.post("/telegram", webhookCallback(bot, "hono", { secretToken }));
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.error(`HTTP: http://127.0.0.1:${port}`),
  },
  // Hono's own `fetch` counts its arguments, and Deno those of the handler.
  (request) => app.fetch(request),
);
