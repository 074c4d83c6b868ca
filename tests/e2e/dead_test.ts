/** Updates that cannot be handled: their senders are told, their chats go on, the operator decides. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { createDatabase } from "../../lib/db/database.ts";
import { bury } from "../../lib/telegram/dead_letters.ts";
import { permissions, processSettings } from "../support/process.ts";
import { emptyFolder, missingServices } from "../support/storage.ts";
import { startWorld } from "../support/world.ts";

/** Runs `deno task dead` with its task's permissions. */
async function dead(args: readonly string[], env: Record<string, string>) {
  const settings = processSettings(env);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    ...settings,
    args: [
      ...["run", "--quiet", "--no-prompt", "--permission-set=dead"],
      ...permissions(settings, "dead"),
      ...["lib/terminal/dead.ts", ...args],
    ],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, out: text(stdout), error: text(stderr) };
}

/** Lets nothing wait for its next try. */
async function withoutPauses<T>(url: string, work: () => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const skip = () => sql`update pgboss.job set start_after = now() where state = 'retry'`;
  const timer = setInterval(() => skip().catch(() => {}), 100);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await sql.end();
  }
}

Deno.test({
  name: "an update that fails each time ends as a dead letter, and its chat goes on",
  ignore: missingServices !== undefined,
  async fn(t) {
    await using world = await startWorld("services");
    const url = world.config.database.url;
    assert.ok(url);
    const env = { DATABASE_URL: url, DATA_DIR: world.config.dataDir };
    const boris = world.user("ru");
    // No user has such an id, so the database refuses whatever is asked about them.
    const from = { id: 1e19, is_bot: false, first_name: "B", language_code: "ru" };
    const chat = { id: boris.id, type: "private", first_name: "B" };
    const poison = {
      update_id: 77,
      message: { message_id: 9_000, date: 1, chat, from, text: "Секрет" },
    };

    await t.step(
      "its sender is told in their language, and the next message is answered",
      () =>
        withoutPauses(url, async () => {
          world.server.deliver(poison);
          await boris.waitFor(
            (all) => /несколько раз пытался/.test(all.at(-1)?.text ?? ""),
            30_000,
          );
          boris.sendText("/start");
          await boris.waitFor((all) => /Отвечаю на вопросы/.test(all.at(-1)?.text ?? ""));
          const { counters } = await world.metrics();
          assert.equal(counters["updates.dead:reason=failure"], 1);
        }),
    );

    await t.step("it is listed without what was said, while the bot runs", async () => {
      const { code, out } = await dead(["list"], env);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^77 +\\S+Z +chat ${boris.id} +message +5 tries: \\w+`));
      assert.doesNotMatch(out, /Секрет/);
    });

    await t.step("what is no dead letter cannot be retried or dropped", async () => {
      const { code, error } = await dead(["drop", "77", "78"], env);
      assert.deepEqual([code, error], [1, "Cannot drop what is no dead letter: 78"]);
      assert.equal((await dead(["bury"], env)).code, 2);
      assert.equal((await dead(["drop"], env)).code, 2);
    });

    await t.step(
      "tried again it fails again, and is told again",
      () =>
        withoutPauses(url, async () => {
          const { code, out, error } = await dead(["retry", "77"], env);
          assert.deepEqual([code, out, error], [0, "1 will be handled once more", ""]);
          await boris.waitFor(
            (all) => all.filter(({ text }) => /несколько раз пытался/.test(text)).length === 2,
            30_000,
          );
        }),
    );

    await t.step("dropped, it is gone", async () => {
      const { code, out } = await dead(["drop", "--all"], env);
      assert.deepEqual([code, out], [0, "Dropped 1"]);
      assert.equal((await dead(["list"], env)).out, "There are no dead letters");
    });
  },
});

Deno.test("dead letters of the embedded database are for when the bot does not run", async (t) => {
  await using folder = await emptyFolder();
  const env = { DATA_DIR: folder.path };

  await t.step("without a database it says so, and makes none", async () => {
    const { code, error } = await dead(["list"], env);
    assert.equal(code, 1);
    assert.match(error, /^Cannot find the bot's database/);
  });

  const database = createDatabase({ directory: `${folder.path}/database` });
  await database.connect();
  try {
    await database.migrate();
    const update = { update_id: 5, message: { chat: { id: 1 } } };
    const letter = { botId: 42, updateId: 5, chatKey: "1", update, reason: "bad", tries: 5 };
    await bury(database.sql, letter);
    await t.step("while another process has it open, it says what to do", async () => {
      const { code, error } = await dead(["list"], env);
      assert.equal(code, 1);
      assert.match(error, /^Cannot look .* while the bot runs .* stop it first/);
    });
  } finally {
    await database.close();
  }

  await t.step("afterwards it lists and retries", async () => {
    assert.match((await dead(["list"], env)).out, /^5 .* chat 1 +message +5 tries: bad$/);
    const { code, out, error } = await dead(["retry", "--all"], env);
    assert.deepEqual([code, out, error], [0, "1 will be handled once more", ""]);
    assert.equal((await dead(["list"], env)).out, "There are no dead letters");
  });
});
