/**
 * A lone cached question: from the moment the update reaches the bot by
 * webhook until the bot calls Telegram with the answer, durable queue included.
 */
import { sampleFile } from "../../lib/demo/sample.ts";
import { missingServices } from "../support/storage.ts";
import { startWorld, type Storage } from "../support/world.ts";
import { type Row, row } from "./measure.ts";

const TIMES = 200;
const QUESTION = "What notice period applies to an engagement?";

export async function benchCachedAnswer(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const storage of ["services", "embedded"] satisfies Storage[]) {
    if (storage === "services" && missingServices !== undefined) continue;
    rows.push(await bench(storage));
  }
  return rows;
}

async function bench(storage: Storage): Promise<Row> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using world = await startWorld(storage, {
    PORT: String(port),
    WEBHOOK_URL: `http://127.0.0.1:${port}/telegram`,
    WEBHOOK_SECRET: "secret",
    USER_RATE_PER_MIN: "0",
  });
  const ada = world.user("en");
  const answer = () =>
    world.server.called(({ method, payload }) =>
      method === "sendMessage" && /p\. 4/.test(String(payload.text))
    );
  ada.sendFile(await sampleFile("en"));
  await ada.waitFor((all) => /ready/.test(all.at(-1)?.text ?? ""));
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const answered = answer();
    const begun = performance.now();
    ada.sendText(QUESTION);
    const { at } = await answered;
    // The first one is not cached, and the next ones find the code cold.
    if (n >= 20) times.push(at - begun);
  }
  return row(`a cached answer, update to reply's call (${storage})`, times);
}
