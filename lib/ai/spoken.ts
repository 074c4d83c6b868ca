/** What a model has said as a recording of a known format, told by its content. Pure. */
import { recordingFormat, secondsOf } from "../audio/recording.ts";
import { AIServiceError } from "./errors.ts";
import type { Speech } from "./provider.ts";

/** @throws {AIServiceError} for bytes that are no recording; another call may give one */
export function asSpeech(
  bytes: Uint8Array,
  tokens: Pick<Speech, "promptTokens" | "answerTokens">,
): Speech {
  const format = recordingFormat(bytes);
  if (format === undefined) {
    throw new AIServiceError("its speech is no recording", { retriable: true });
  }
  const { mimeType, extension } = format;
  const seconds = secondsOf(bytes);
  return { bytes, mimeType, extension, ...tokens, ...(seconds !== undefined && { seconds }) };
}
