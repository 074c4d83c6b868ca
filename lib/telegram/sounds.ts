/**
 * Sends what was spoken: as a voice note where Telegram can play it as one, else
 * as an audio; and again without its bytes, by the id that Telegram gave it.
 */
import { type Api, GrammyError, InputFile } from "grammy";
import type { Message } from "grammy/types";
import type { KnownSound, Sound } from "../../plugins/plugin.ts";
import { type ChatTarget, topicOf, unlessGone } from "./chat_target.ts";
import type { Sending } from "./replies.ts";

/** What all sounds of an update are to a later try of it: a handler sends one. */
const CONTENT = "sound";

export interface Sounds {
  /** Gives how to send it again, unless an earlier try has sent it. */
  send(chat: ChatTarget, sound: Sound, sending: Sending): Promise<KnownSound | undefined>;
  /** Gives whether Telegram still knows it; if not, nothing was sent. */
  sendKnown(chat: ChatTarget, sound: KnownSound, sending: Sending): Promise<boolean>;
}

export function createSounds(api: Api): Sounds {
  const calls = {
    voice: api.sendVoice.bind(api),
    audio: api.sendAudio.bind(api),
    document: api.sendDocument.bind(api),
  };

  return {
    async send(chat, { name, bytes, mimeType, seconds }, { once, signal }) {
      const other = {
        ...topicOf(chat),
        ...(seconds !== undefined && { duration: Math.ceil(seconds) }),
      };
      const call = (kind: "voice" | "audio"): Promise<Message> =>
        calls[kind](chat.id, new InputFile(bytes, name), other, signal as never);
      let known: KnownSound | undefined;
      await unlessGone(() =>
        once(CONTENT, async () => {
          const message = mimeType === "audio/ogg"
            ? await call("voice").catch((error) => {
              // Who takes no voice notes may still play a file.
              if (forbidsVoice(error)) return call("audio");
              throw error;
            })
            : await call("audio");
          known = knownBy(message);
          return message.message_id;
        })
      );
      return known;
    },

    async sendKnown(chat, { kind, fileId }, { once, signal }) {
      try {
        await unlessGone(() =>
          once(CONTENT, async () => {
            const { message_id } = await calls[kind](
              chat.id,
              fileId,
              topicOf(chat),
              signal as never,
            );
            return message_id;
          })
        );
        return true;
      } catch (error) {
        if (error instanceof GrammyError && error.error_code === 400) return false;
        throw error;
      }
    },
  };
}

function forbidsVoice(error: unknown): boolean {
  return error instanceof GrammyError && error.error_code === 400 &&
    /voice[ _]messages/i.test(error.description);
}

/** Telegram decides what a sound is, and wants it sent again as that. */
function knownBy({ voice, audio, document }: Message): KnownSound | undefined {
  if (voice !== undefined) return { kind: "voice", fileId: voice.file_id };
  if (audio !== undefined) return { kind: "audio", fileId: audio.file_id };
  return document && { kind: "document", fileId: document.file_id };
}
