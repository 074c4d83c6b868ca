/** The local Bot API server: how updates reach a bot, who is served, and how it fails on demand. */
import assert from "node:assert/strict";
import {
  type Answer,
  idsOf,
  reached,
  refused,
  request,
  startServer,
  TOKEN,
} from "./support/bot_api.ts";

/** What the bot's webhook has got, one at a time, and what it answers. */
function startWebhook(statuses: number[]) {
  const got: { update_id: number; secret: string | null }[] = [];
  const taken = Promise.withResolvers<void>();
  const http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { update_id } = await request.json();
      got.push({ update_id, secret: request.headers.get("X-Telegram-Bot-Api-Secret-Token") });
      const status = statuses.shift() ?? 200;
      if (status === 200 && statuses.length === 0) taken.resolve();
      return new Response(null, { status });
    },
  );
  return {
    url: `http://127.0.0.1:${http.addr.port}/`,
    got,
    taken: taken.promise,
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

Deno.test("only the bot with the token is served", async () => {
  await using world = await startServer();
  refused(await request(`${world.server.url}/bot4242:wrong/getMe`, {}), 401, /Unauthorized/);
  refused(await world.call("getNothing"), 404, /Not Found/);
  refused(await world.call("toString"), 404, /Not Found/);
  const { result } = await world.call("getMe");
  assert.equal((result as { id: number }).id, 4242);
});

Deno.test("a file is given to the bot with the token and to nobody else", async () => {
  await using world = await startServer();
  const bytes = crypto.getRandomValues(new Uint8Array(1_000));
  world.user.sendFile({ name: "Отчёт 1.pdf", bytes, mimeType: "application/pdf" });
  const file_id = fileIdOf(await world.call("getUpdates"));
  const { result } = await world.call("getFile", { file_id });
  const { file_path, file_size } = result as { file_path: string; file_size: number };
  assert.equal(file_size, bytes.length);
  const read = (token: string) => fetch(`${world.server.url}/file/bot${token}/${file_path}`);
  assert.deepEqual(await (await read(TOKEN)).bytes(), bytes);
  const stranger = await read("4242:wrong");
  assert.equal(stranger.status, 404);
  await stranger.body?.cancel();
  refused(await world.call("getFile", { file_id: "other" }), 400, /invalid file_id/);
});

function fileIdOf({ result }: Answer): string | undefined {
  const updates = result as { message?: { document?: { file_id: string } } }[];
  return updates[0]?.message?.document?.file_id;
}

Deno.test("an update is given again until a later offset acknowledges it", async () => {
  await using world = await startServer();
  const sent = ["one", "two", "three"].map((text) => world.user.sendText(text));
  assert.deepEqual(idsOf(await world.call("getUpdates", { limit: 2 })), sent.slice(0, 2));
  assert.deepEqual(idsOf(await world.call("getUpdates", { offset: sent[0] })), sent);
  assert.deepEqual(idsOf(await world.call("getUpdates", { offset: sent[1] })), sent.slice(1));
  assert.deepEqual(idsOf(await world.call("getUpdates")), sent.slice(1), "the first is gone");
});

Deno.test("a long poll ends with the update it waited for", async () => {
  await using world = await startServer();
  const polling = world.call("getUpdates", { timeout: 30 });
  await reached(world.server, "getUpdates", 1);
  const id = world.user.sendText("hello");
  assert.deepEqual(idsOf(await polling), [id]);
});

Deno.test("a second poll ends the first as a conflict", async () => {
  await using world = await startServer();
  const first = world.call("getUpdates", { timeout: 30 });
  await reached(world.server, "getUpdates", 1);
  const second = world.call("getUpdates", { timeout: 30 });
  refused(await first, 409, /Conflict/);
  const id = world.user.sendText("hello");
  assert.deepEqual(idsOf(await second), [id]);
});

Deno.test("a webhook gets its updates with the secret, again until it takes them", async () => {
  await using world = await startServer();
  await using webhook = startWebhook([500, 503, 200]);
  const early = world.user.sendText("sent before the webhook was set");
  await world.call("setWebhook", { url: webhook.url, secret_token: "s3cret" });
  await webhook.taken;
  assert.deepEqual(webhook.got, Array(3).fill({ update_id: early, secret: "s3cret" }));
  refused(await world.call("getUpdates"), 409, /Conflict/);
  await world.call("deleteWebhook");
  const late = world.user.sendText("sent after it was deleted");
  assert.deepEqual(idsOf(await world.call("getUpdates")), [late]);
});

Deno.test("a fault refuses the next calls that match, as often as told", async () => {
  await using world = await startServer();
  const kind = { code: 429, description: "Too Many Requests: retry after 3", retryAfter: 3 };
  world.server.faults.add({ method: "sendMessage", times: 2, kind });
  assert.equal((await world.call("getMe")).ok, true, "another method");
  for (let time = 0; time < 2; time++) {
    const answer = await world.call("sendMessage", { text: "x" });
    refused(answer, 429, /Too Many Requests/);
    assert.deepEqual(answer.parameters, { retry_after: 3 });
  }
  assert.deepEqual(world.user.messages(), [], "it had no effect");
  assert.equal((await world.call("sendMessage", { text: "x" })).ok, true);
  assert.deepEqual(world.server.calls.map(({ status }) => status), [200, 429, 429, 200]);
});

Deno.test("a fault after the call loses only its answer", async () => {
  await using world = await startServer();
  const kind = { code: 502, description: "Bad Gateway" };
  world.server.faults.add({ method: "sendMessage", after: true, kind });
  refused(await world.call("sendMessage", { text: "x" }), 502, /Bad Gateway/);
  assert.equal(world.user.messages().length, 1);
});

Deno.test("a call that hangs ends with its caller, or with the server", async () => {
  await using world = await startServer();
  world.server.faults.add({ times: 2, kind: "hang" });
  const caller = new AbortController();
  const left = world.call("getMe", {}, caller.signal);
  await reached(world.server, "getMe", 1);
  caller.abort();
  await assert.rejects(left, { name: "AbortError" });
  const stayed = world.call("getMe");
  await reached(world.server, "getMe", 2);
  await world.server.close();
  refused(await stayed, 504, /Gateway Timeout/);
});
