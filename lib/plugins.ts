/** The plugins of this process: the built-in ones, and those that the operator names. */
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { builtIn } from "../plugins/mod.ts";
import type { Provider } from "./ai/provider.ts";
import type { Plugin, PluginSettings } from "../plugins/plugin.ts";
import { type Config, ConfigError } from "./config.ts";

const run = { run: z.function() };
const named = { name: z.string().min(1) };

/** The shape that the program relies on; `definePlugin` has the compiler check the same. */
const SHAPE = z.object({
  ...named,
  commands: z.array(z.object({ ...named, ...run, description: z.string() })).optional(),
  buttons: z.array(z.object({ ...named, ...run })).optional(),
  formats: z.array(
    z.object({ ...named, matches: z.function(), extract: z.function() }),
  ).optional(),
  documents: z.object(run).optional(),
  audio: z.object(run).optional(),
  texts: z.array(z.object({ ...run, claims: z.function() })).optional(),
  errors: z.object(run).optional(),
});

/**
 * Loads the plugins; those of the operator come first, so that they may claim
 * what a built-in one would.
 *
 * @param names paths or `npm:` names
 * @throws {ConfigError} that names the plugin and what is missing in it
 */
export async function loadPlugins(names: readonly string[]): Promise<readonly Plugin[]> {
  return [...await Promise.all(names.map(load)), ...builtIn];
}

/** What handlers need to know of the configuration, of the AI's voice and of the other plugins. */
export function settingsOf(
  config: Config,
  plugins: readonly Plugin[],
  speaking?: Provider["speaking"],
): PluginSettings {
  const formats = plugins.flatMap((plugin) => plugin.formats ?? []);
  return {
    contextTokens: config.contextTokens,
    cacheTtlSeconds: config.cacheTtlSeconds,
    maxFileBytes: config.maxFileBytes,
    quotas: {
      perMinute: config.quotas.ratePerMinute,
      perDay: config.quotas.dailyQuestions,
      tokensPerDay: config.quotas.dailyTokens,
    },
    model: modelOf(config),
    hears: config.gemini !== undefined || config.openai?.transcribeModel !== undefined,
    ...(speaking !== undefined && { speech: speaking }),
    extensions: formats.flatMap(({ extensions }) => extensions),
    commands: plugins.flatMap((plugin) => plugin.commands ?? []),
  };
}

function modelOf({ gemini, openai }: Config): string {
  if (gemini !== undefined) return `gemini/${gemini.model}`;
  return openai === undefined ? "offline" : `openai/${openai.model}`;
}

async function load(name: string): Promise<Plugin> {
  const url = /^(npm|file|https?):/.test(name)
    ? name
    : pathToFileURL(isAbsolute(name) ? name : resolve(name)).href;
  const module = await import(url).catch((cause) => {
    throw new ConfigError(`Cannot load the plugin '${name}' of PLUGINS: ${cause.message}`, {
      cause,
    });
  });
  const checked = SHAPE.safeParse(module.default);
  if (checked.success) return module.default;
  const problems = checked.error.issues.map(({ path, message }) =>
    `  ${["default", ...path].join(".")}: ${message}`
  );
  throw new ConfigError(
    [`Cannot use the plugin '${name}' of PLUGINS as its shape is wrong:`, ...problems].join("\n"),
  );
}
