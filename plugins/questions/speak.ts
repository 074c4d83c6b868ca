/** "Listen": an answer is read aloud when its reader asks for it, and paid for once. */
import type { NotSpokenReason } from "../../lib/ai/provider.ts";
import { beginningOf, spokenText } from "../../lib/ai/spoken_text.ts";
import { type Button, definePlugin, type KnownSound, type PluginContext } from "../plugin.ts";
import { takeQuota } from "./quota.ts";

/** All attempts with their pauses, and the wait for a turn. */
const SPEAK_TIMEOUT_MS = 5 * 60_000;
/** How long the same answer is spoken by Telegram's own copy. */
const KNOWN_S = 3_600;

/** The button that reads an answer aloud; none where nobody can. */
export function speakButtons(
  { settings, t }: Pick<PluginContext, "settings" | "t">,
  turnId: number,
): Button[][] {
  if (settings.speech === undefined) return [];
  return [[{ text: t("button-speak"), data: `speak:${turnId}` }]];
}

export default definePlugin({
  name: "speak",
  buttons: [{
    name: "speak",
    async run(context, turnId) {
      const { ask, reply, t, user } = context;
      const turn = await ask("db.readTurn", { userId: user.id, turnId: Number(turnId) });
      const sentence = turn === undefined
        ? t("answer-forgotten")
        : await speak(context, turn.answer);
      if (sentence !== undefined) await reply(sentence);
    },
  }],
});

/** Sends an answer as speech, or gives the sentence that says why there is none. */
async function speak(context: PluginContext, answer: string): Promise<string | undefined> {
  const { ask, language, sendKnownSound, sendSound, settings: { speech }, t, user } = context;
  const failed = (reason: NotSpokenReason) => t(`speech-${reason}`);
  // The button of another day may outlive the voice.
  if (speech === undefined) return failed("cannot_speak");
  const text = bounded(context, spokenText(answer), speech.maxLetters);
  if (text === "") return t("speech-nothing");
  const key = await keyOf(speech.voice, text);
  const known = readKnown(await ask("cache.get", { key }));
  if (known !== undefined && await sendKnownSound(known)) return;
  if (!await takeQuota(context)) return;
  context.typing("record_voice");
  const spoken = await ask("ai.speak", { key, userId: user.id, language, text }, {
    timeoutMs: SPEAK_TIMEOUT_MS,
  });
  if (spoken.kind === "unspoken") return failed(spoken.reason);
  const sent = await sendSound({ ...spoken, name: `${t("speech-file")}.${spoken.extension}` });
  if (sent === undefined) return;
  await ask("cache.set", { key, value: `${sent.kind} ${sent.fileId}`, ttlSeconds: KNOWN_S });
}

/** What is too long ends with a sentence that says so. */
function bounded({ language, t }: PluginContext, text: string, maxLetters: number): string {
  if (text.length <= maxLetters) return text;
  const rest = t("speech-beginning");
  return `${beginningOf(text, maxLetters - rest.length - 1, language)}\n${rest}`;
}

/** The same words by the same voice are the same sound, whoever hears them. */
async function keyOf(voice: string, text: string): Promise<string> {
  const identity = new TextEncoder().encode(JSON.stringify([voice, text]));
  return `speech:${new Uint8Array(await crypto.subtle.digest("SHA-256", identity)).toHex()}`;
}

function readKnown(value: string | undefined): KnownSound | undefined {
  const [, kind, fileId] = /^(voice|audio|document) (\S+)$/.exec(value ?? "") ?? [];
  if (fileId === undefined) return undefined;
  return { kind: kind as KnownSound["kind"], fileId };
}
