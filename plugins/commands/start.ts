/** `/start` and `/help`: what the bot does, and every command with its line. */
import { definePlugin, type PluginContext } from "../plugin.ts";

export default definePlugin({
  name: "start",
  commands: [
    {
      name: "start",
      description: "command-start",
      async run(context) {
        await context.reply(context.t("start", { extensions: formatsLine(context) }));
      },
    },
    {
      name: "help",
      description: "command-help",
      async run(context) {
        const { settings, t, reply } = context;
        const lines = settings.commands.map(({ name, description }) =>
          `- /${name} — ${t(description)}`
        );
        await reply(
          [t("help-title"), lines.join("\n"), t("help-outro"), formatsLine(context)].join("\n\n"),
        );
      },
    },
  ],
});

function formatsLine({ t, settings }: PluginContext): string {
  const formats = t("start-formats", {
    list: settings.extensions.join(", "),
    megabytes: Math.floor(settings.maxFileBytes / 1024 / 1024),
  });
  return settings.hears ? `${formats} ${t("start-hears")}` : formats;
}
