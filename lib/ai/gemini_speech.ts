/**
 * How Gemini is asked to read a text aloud, and what its sound becomes. It sends
 * bare samples, which no player takes, so they are made a WAV file. For `gemini.ts`.
 */
import { z } from "zod";
import { concatenated } from "../audio/parts.ts";
import { wavOfPcm } from "../audio/wav.ts";
import type { Language } from "../texts/texts.ts";
import { AIServiceError } from "./errors.ts";
import type { Speech } from "./provider.ts";
import { asSpeech } from "./spoken.ts";

/** One of thirty; each speaks every language of the model. */
export const GEMINI_VOICE = "Kore";
/** About three minutes: a call must end in its time, and a long speech's voice drifts. */
export const MAX_SPOKEN_LETTERS = 2_500;

/** Without it a text that reads like a question is answered, not read. */
const READ_ALOUD: Record<Language, string> = {
  en: "Read aloud, calmly and word for word:",
  ru: "Прочитай вслух, спокойно и слово в слово:",
};

/** A sound within an answer. */
export const SOUND = z.object({ mimeType: z.string(), data: z.base64() });

/** What has to be asked of a model that speaks. The SDK hands on fields that it does not know. */
export const SPEECH_CONFIG = {
  responseModalities: ["AUDIO"],
  speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: GEMINI_VOICE } } },
};

/** The prompt that has a text read aloud. */
export function speechPrompt(text: string, language: Language): string {
  return `${READ_ALOUD[language]}\n\n${text}`;
}

/**
 * The sounds of an answer as one recording.
 *
 * @throws {AIServiceError} where there is none; another call may give one
 */
export function toSpeech(
  sounds: readonly z.output<typeof SOUND>[],
  tokens: Pick<Speech, "promptTokens" | "answerTokens">,
): Speech {
  const [first] = sounds;
  if (first === undefined) {
    throw new AIServiceError("its answer has no sound", { retriable: true });
  }
  const bytes = concatenated(sounds.map(({ data }) => Uint8Array.fromBase64(data)));
  if (!/^audio\/(?:L16|pcm)\b/i.test(first.mimeType)) return asSpeech(bytes, tokens);
  const rate = Number(/\brate=(\d{4,6})\b/.exec(first.mimeType)?.[1]);
  if (bytes.length === 0 || Number.isNaN(rate)) {
    throw new AIServiceError("its sound is malformed", { retriable: true });
  }
  // L16 would be big-endian by its standard (RFC 2586); Gemini's is not.
  return asSpeech(wavOfPcm(bytes, rate), tokens);
}
