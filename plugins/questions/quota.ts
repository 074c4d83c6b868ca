/** A question is taken out of its user's quotas before anything is done for it. */
import type { PluginContext } from "../plugin.ts";

const QUOTAS = { minute: "perMinute", day: "perDay", tokens: "tokensPerDay" } as const;

/** Takes a question; tells the user and gives `false` where a quota is used up. */
export async function takeQuota(
  { ask, reply, settings, t, user }: PluginContext,
): Promise<boolean> {
  const usedUp = await ask("db.takeQuestion", { userId: user.id, ...settings.quotas });
  if (usedUp === undefined) return true;
  await reply(t(`quota-${usedUp}`, { count: settings.quotas[QUOTAS[usedUp]] }));
  return false;
}
