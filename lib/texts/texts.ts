/** What the bot says, in each language: Fluent files beside this one, read once. */
import { I18n } from "@grammyjs/i18n";

/** A language that the bot speaks. */
export type Language = "en" | "ru";
/** All of them; the first is for everybody else. */
export const LANGUAGES: readonly Language[] = ["en", "ru"];

/** What a text is filled with, by the name in its Fluent source. */
export type TextArguments = Record<string, string | number>;

/** A text by its Fluent key, with arguments filled in as they are. */
export type Translate = (language: Language, key: string, args?: TextArguments) => string;

/**
 * Reads the texts of every language.
 *
 * @throws {Error} on a key that is missing, when it is asked for
 */
export async function loadTexts(): Promise<Translate> {
  const i18n = new I18n({ defaultLocale: "en", fluentBundleOptions: { useIsolating: false } });
  for (const language of LANGUAGES) {
    const source = await Deno.readTextFile(new URL(`./${language}.ftl`, import.meta.url));
    await i18n.loadLocale(language, { source });
  }
  return (language, key, args) => i18n.t(language, key, args);
}

/** The language to speak with a user whose client is set to `code` (IETF tag). */
export function languageOf(code: string | undefined): Language {
  return code !== undefined && /^(ru|be|uk|kk)\b/i.test(code) ? "ru" : "en";
}
