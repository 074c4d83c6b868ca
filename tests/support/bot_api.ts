/** A local Bot API server with one user, and a bot that is nothing but its HTTP calls. */
import assert from "node:assert/strict";
import { type BotApiServer, startBotApiServer } from "../../lib/demo/bot_api_server.ts";

export const TOKEN = "4242:test";
const ADA = { id: 7, firstName: "Ada", languageCode: "en" };

export interface Answer {
  ok: boolean;
  result?: unknown;
  error_code?: number;
  description?: string;
  parameters?: { retry_after: number };
}

/** A server with one user; `call` speaks to it as her bot. */
export async function startServer() {
  const server = await startBotApiServer({ token: TOKEN });
  const user = server.user(ADA);
  const call = (method: string, payload: Record<string, unknown> = {}, signal?: AbortSignal) =>
    request(`${server.url}/bot${TOKEN}/${method}`, { chat_id: ADA.id, ...payload }, signal);
  return { server, user, call, [Symbol.asyncDispose]: () => server.close() };
}

/** Calls a method and checks that the HTTP status says what the answer says. */
export async function request(
  url: string,
  payload: Record<string, unknown>,
  signal: AbortSignal | null = null,
): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
    signal,
  });
  const answer: Answer = await response.json();
  assert.equal(response.status, answer.ok ? 200 : answer.error_code, "the status says the same");
  return answer;
}

export function refused(answer: Answer, code: number, description: RegExp): void {
  assert.equal(answer.ok, false, `refused: ${description}`);
  assert.equal(answer.error_code, code);
  assert.match(answer.description ?? "", description);
}

/** The ids of the updates in an answer. */
export function idsOf({ result }: Answer): number[] {
  return (result as { update_id: number }[]).map(({ update_id }) => update_id);
}

/** Waits until so many calls of the method have reached the server. */
export async function reached(server: BotApiServer, method: string, times: number): Promise<void> {
  while (server.calls.filter((call) => call.method === method).length < times) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
