/**
 * Every way in which the AI fails, provoked over HTTP on the whole bot: what the
 * user reads, how often it is tried, and what is counted. When a try comes is
 * tested on a simulated clock, in `ai_actor_test.ts`.
 */
import assert from "node:assert/strict";
import { says, withSample } from "../support/chat.ts";
import {
  type GeminiReply,
  quotaUsedUp,
  rateLimited,
  startGeminiServer,
} from "../support/gemini_server.ts";
import { anyStorage, startWorld } from "../support/world.ts";

const RETRIES = 3;
const CALLS = RETRIES + 1;

interface Failure {
  what: string;
  reply: GeminiReply | (() => GeminiReply);
  /** Calls until it is given up. */
  calls: number;
  /** What the user reads above the passages. */
  says: RegExp;
  /** What is counted as the outcome of `ai.requests`. */
  outcome: string;
  /** The least that the pauses take together. */
  leastMs?: number;
}

const AWAY = { says: /The AI does not answer just now/, outcome: "unavailable" };
const REFUSED = { calls: 1, says: /The AI refused this question/, outcome: "blocked" };
const error = (status: number): GeminiReply => ({ kind: "error", status, message: "no" });

const FAILURES: readonly Failure[] = [
  { what: "fails inside", reply: error(500), calls: CALLS, ...AWAY },
  { what: "is overloaded", reply: error(503), calls: CALLS, ...AWAY },
  { what: "refuses the key", reply: error(403), calls: 1, ...AWAY },
  { what: "does not know the model", reply: error(404), calls: 1, ...AWAY },
  { what: "answers nothing", reply: { kind: "answer", chunks: [] }, calls: CALLS, ...AWAY },
  {
    what: "answers nonsense",
    reply: { kind: "raw", body: "data: <html>\n\n" },
    calls: CALLS,
    ...AWAY,
  },
  {
    what: "breaks the connection off",
    // Not before its first chunk is on its way, as the client would ask again by itself.
    reply: () => ({ kind: "reset", gate: new Promise((resolve) => setTimeout(resolve, 500)) }),
    calls: CALLS,
    ...AWAY,
  },
  {
    what: "fails in the middle of its answer",
    reply: { kind: "errorInStream", status: 503, message: "no" },
    calls: CALLS,
    ...AWAY,
  },
  {
    what: "never answers",
    reply: { kind: "hang" },
    calls: CALLS,
    says: /The AI took too long/,
    outcome: "timeout",
  },
  { what: "refuses the prompt", reply: { kind: "blocked", blockReason: "SAFETY" }, ...REFUSED },
  {
    what: "stops its answer for safety",
    reply: { kind: "stopped", finishReason: "SAFETY" },
    ...REFUSED,
  },
  {
    what: "has too many requests, and says for how long",
    reply: rateLimited(0.3),
    calls: CALLS,
    says: /The AI has too many requests/,
    outcome: "rate_limit",
    leastMs: RETRIES * 300,
  },
  {
    what: "has too many requests, and for too long",
    reply: rateLimited(45),
    calls: 1,
    says: /The AI has too many requests/,
    outcome: "rate_limit",
  },
  // Last, since it opens the circuit at once.
  {
    what: "has no quota left",
    reply: quotaUsedUp(),
    calls: 1,
    says: /The AI's quota is used up/,
    outcome: "quota",
  },
];

Deno.test({
  name: "when the AI fails, its user reads why, above the passages",
  async fn(t) {
    await using gemini = await startGeminiServer();
    await using world = await startWorld(anyStorage, {
      GEMINI_API_KEY: "k",
      GEMINI_BASE_URL: gemini.url,
      GEMINI_EMBEDDING_MODEL: "",
      AI_RETRY_BASE_MS: "5",
      AI_ATTEMPTS: String(RETRIES),
      AI_TIMEOUT_MS: "1500",
      USER_RATE_PER_MIN: "0",
    });
    const ada = await withSample(world);
    const counted = async (outcome: string) => {
      const { counters } = await world.metrics();
      return counters[`ai.requests:cached=false,outcome=${outcome},provider=gemini`] ?? 0;
    };

    for (
      const [n, { what, reply, calls, says: sentence, outcome, leastMs = 0 }] of FAILURES.entries()
    ) {
      await t.step(`it ${what}`, async () => {
        // An answer in between keeps the circuit closed.
        gemini.next({ kind: "answer", chunks: [`Answer ${n} [p. 2].`] });
        ada.sendText(`What does paragraph ${n} say of the keeper?`);
        await says(ada, new RegExp(`^Answer ${n} `));
        const before = { calls: gemini.calls.length, counted: await counted(outcome) };
        const replyTo = async () => {
          for (let call = 0; call < calls; call++) {
            const called = gemini.called();
            gemini.next(typeof reply === "function" ? reply() : reply);
            await called;
          }
        };
        const begun = performance.now();
        ada.sendText(`Which lamp does the keeper light in case ${n}?`);
        const [{ text, buttons }] = await Promise.all([says(ada, sentence), replyTo()]);
        assert.ok(performance.now() - begun >= leastMs);
        assert.match(text, /passages of .*that match best[\s\S]*p\. \d/);
        assert.match(buttons.flat()[0]?.text ?? "", /Try again/);
        assert.equal(gemini.calls.length - before.calls, calls);
        assert.equal(await counted(outcome) - before.counted, 1);
      });
    }

    await t.step("while the circuit is open nothing is asked of it", async () => {
      const before = gemini.calls.length;
      ada.sendText("Which lamp does the keeper light at last?");
      await says(ada, /quota is used up[\s\S]*passages/);
      assert.equal(gemini.calls.length, before);
    });
  },
});
