/** What tests do in a chat, and what they wait to see in it. */
import type { ChatMessage, DemoUser } from "../../lib/demo/chats.ts";
import { sampleFile } from "../../lib/demo/sample.ts";
import type { World } from "./world.ts";

/** Waits until the chat ends with a message of the bot that matches, and gives it. */
export async function says(
  user: DemoUser,
  pattern: RegExp,
  timeoutMs = 20_000,
): Promise<ChatMessage> {
  const messages = await user.waitFor((all) => {
    const last = all.at(-1);
    return last?.from === "bot" && pattern.test(last.text);
  }, timeoutMs);
  const last = messages.at(-1);
  if (last === undefined) throw new Error("Cannot be: there is a last message");
  return last;
}

/** Sends a text as a file. */
export function sendText(user: DemoUser, name: string, text: string): void {
  user.sendFile({ name, bytes: new TextEncoder().encode(text), mimeType: "text/plain" });
}

/** The data of the first button whose label matches. */
export function buttonOf({ buttons }: Pick<ChatMessage, "buttons">, label: RegExp): string {
  const button = buttons.flat().find(({ text }) => label.test(text));
  if (button === undefined) throw new Error(`Cannot find a button ${label}`);
  return button.data;
}

/** A new user with the sample document. */
export async function withSample(world: World, language: "en" | "ru" = "en"): Promise<DemoUser> {
  const user = world.user(language);
  user.sendFile(await sampleFile(language));
  // Fifty at once on a busy machine take their time.
  await says(user, /is ready|готов/, 60_000);
  return user;
}
