/** A query whose connection is cut while it runs: its message waits, and is answered once. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { says } from "../support/chat.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld } from "../support/world.ts";

Deno.test({
  name: "a message whose query loses its connection is answered once, without an excuse",
  ignore: missingServices !== undefined,
  async fn() {
    await using world = await startWorld("services");
    const ada = world.user("en");
    ada.sendText("/start");
    await says(ada, /answer questions/);

    const admin = postgres(world.config.database.url ?? "", { max: 1, onnotice: () => {} });
    try {
      const locked = Promise.withResolvers<void>();
      const cut = Promise.withResolvers<void>();
      const holding = admin.begin(async (tx) => {
        await tx`lock table users in access exclusive mode`;
        locked.resolve();
        await cut.promise;
      });
      await locked.promise;
      ada.sendText("/stats");
      const other = postgres(world.config.database.url ?? "", { max: 1 });
      let ended = 0;
      while (ended === 0) {
        const rows = await other`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        ended = rows.length;
      }
      await other.end();
      cut.resolve();
      await holding;
    } finally {
      await admin.end();
    }
    await says(ada, /So far/, 30_000);
    const said = ada.messages().filter(({ from }) => from === "bot").map(({ text }) => text);
    assert.equal(said.length, 2, said.join("\n---\n"));
  },
});
