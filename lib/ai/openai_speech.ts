/** How a server that speaks OpenAI's protocol reads a text aloud, for `openai.ts`. */
import type OpenAI from "openai";
import type { APIError } from "openai";
import type { Speech } from "./provider.ts";
import { asSpeech } from "./spoken.ts";

/** OpenAI takes so many characters. */
export const MAX_SPOKEN_LETTERS = 4_096;
/** Statuses of servers that do not have the way, or not the model. */
const NO_VOICE: ReadonlySet<number> = new Set([404, 405, 501]);

/** Who speaks. */
export interface Voice {
  /** As the server names it. */
  model: string;
  /** One of the model's voices; the protocol knows no default. */
  voice: string;
}

/** Asks for Opus, which Telegram plays as a voice note, and of a server without it for MP3. */
export async function speak(
  client: OpenAI,
  { model, voice }: Voice,
  text: string,
  signal: AbortSignal,
): Promise<Speech> {
  const ask = (format: "opus" | "mp3") =>
    client.audio.speech.create({ model, voice, input: text, response_format: format }, { signal });
  const response = await ask("opus").catch((error) => {
    const isFormat = error instanceof Error && "status" in error &&
      (error.status === 400 || error.status === 422) &&
      /response_format|opus/i.test(error.message);
    if (isFormat) return ask("mp3");
    throw error;
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  // The protocol tells no tokens with a sound.
  return asSpeech(bytes, { promptTokens: 0, answerTokens: 0 });
}

/** Whether the server will never speak, whatever it is asked. */
export function isMute({ status }: APIError): boolean {
  return status !== undefined && NO_VOICE.has(status);
}
