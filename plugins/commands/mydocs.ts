/** `/mydocs`: the user's documents as buttons, to choose the active one or delete one. */
import type { DocumentInfo } from "../../lib/library.ts";
import { shortName } from "../short_name.ts";
import { requestButtons } from "../questions/requests.ts";
import { type Button, definePlugin, type PluginContext } from "../plugin.ts";

/** More buttons than this are no list to read on a phone. */
const SHOWN = 10;
const NAME_LENGTH = 40;

export default definePlugin({
  name: "mydocs",
  commands: [{
    name: "mydocs",
    description: "command-mydocs",
    async run(context) {
      const { text, buttons } = await overview(context);
      await context.reply(text, { buttons });
    },
  }],
  buttons: [
    {
      name: "doc-open",
      async run(context, argument) {
        const document = await context.ask("db.chooseDocument", owned(context, argument));
        if (document === undefined) {
          await context.reply(context.t("document-gone"));
          return;
        }
        const { name, id } = document;
        await context.reply(
          context.t("mydocs-chosen", { name, pages: pagesOf(context, document) }),
          {
            buttons: [
              [{ text: context.t("button-original"), data: `doc-file:${id}` }],
              ...requestButtons(context, id),
            ],
          },
        );
      },
    },
    {
      name: "doc-file",
      async run(context, argument) {
        const original = await context.ask("db.readOriginal", owned(context, argument));
        if (original === undefined) await context.reply(context.t("document-gone"));
        else if (original.fileId !== null) await context.sendFile({ fileId: original.fileId });
        else if (original.bytes !== undefined) {
          await context.sendFile({ name: original.name, bytes: original.bytes });
        } else await context.reply(context.t("original-not-kept", { name: original.name }));
      },
    },
    {
      name: "doc-delete",
      async run(context, argument, message) {
        const documents = await context.ask("db.listDocuments", { userId: context.user.id });
        const document = documents.find(({ id }) => String(id) === argument);
        if (document === undefined) {
          await message.edit(context.t("document-gone"));
          return;
        }
        await message.edit(context.t("mydocs-delete-question", { name: document.name }), {
          buttons: [[
            { text: context.t("button-delete-yes"), data: `doc-delete-yes:${document.id}` },
            { text: context.t("button-delete-no"), data: "doc-list:one:0" },
          ]],
        });
      },
    },
    {
      name: "doc-delete-yes",
      async run(context, argument, message) {
        const document = await context.ask("db.deleteDocument", owned(context, argument));
        await message.edit(
          document === undefined
            ? context.t("document-gone")
            : context.t("mydocs-deleted", { name: document.name }),
        );
      },
    },
    {
      name: "doc-list",
      async run(context, argument, message) {
        const [mode, page] = argument.split(":");
        const view = { several: mode === "several", page: Number(page ?? 0) || 0 };
        const { text, buttons } = await overview(context, view);
        await message.edit(text, { buttons });
      },
    },
    {
      name: "doc-toggle",
      async run(context, argument, message) {
        const [id = "", page] = argument.split(":");
        await context.ask("db.toggleDocument", owned(context, id));
        const view = { several: true, page: Number(page) || 0 };
        const { text, buttons } = await overview(context, view);
        await message.edit(text, { buttons });
      },
    },
    {
      name: "doc-all",
      async run(context, _argument, message) {
        const { ask, t, user } = context;
        const count = await ask("db.chooseDocuments", { userId: user.id, documentIds: "all" });
        await message.edit(t(count === 0 ? "mydocs-empty" : "mydocs-all-chosen", { count }));
      },
    },
  ],
});

/** One page of the list: a tap chooses one document, or with `several` adds it to the chosen ones. */
async function overview(
  { ask, t, user }: PluginContext,
  { several, page }: View = { several: false, page: 0 },
): Promise<{ text: string; buttons: Button[][] }> {
  const documents = await ask("db.listDocuments", { userId: user.id });
  if (documents.length === 0) return { text: t("mydocs-empty"), buttons: [] };
  const chosen = documents.filter((document) => document.chosen);
  const [only] = chosen;
  const lines = [t("mydocs-title", { count: documents.length })];
  if (chosen.length > 1) lines.push(t("mydocs-several", { count: chosen.length }));
  else if (only !== undefined) lines.push(t("mydocs-active", { name: only.name }));
  if (several) lines.push(t("mydocs-tap-several"));
  const mode = several ? "several" : "one";
  const last = Math.ceil(documents.length / SHOWN) - 1;
  const shown = Math.min(Math.max(page, 0), last);
  const rows: Button[][] = documents.slice(shown * SHOWN, (shown + 1) * SHOWN).map((document) => [
    {
      text: buttonName(document, several),
      data: several ? `doc-toggle:${document.id}:${shown}` : `doc-open:${document.id}`,
    },
    ...(several ? [] : [{ text: "🗑", data: `doc-delete:${document.id}` }]),
  ]);
  const turns: Button[] = [];
  if (shown > 0) turns.push({ text: "◀", data: `doc-list:${mode}:${shown - 1}` });
  if (shown < last) turns.push({ text: "▶", data: `doc-list:${mode}:${shown + 1}` });
  if (turns.length > 0) rows.push(turns);
  if (several) {
    rows.push([
      { text: t("button-all"), data: "doc-all:" },
      { text: t("button-done"), data: "doc-list:one:0" },
    ]);
  } else if (documents.length > 1) {
    rows.push([
      { text: t("button-several"), data: "doc-list:several:0" },
      { text: t("button-all"), data: "doc-all:" },
    ]);
  }
  return { text: lines.join("\n\n"), buttons: rows };
}

interface View {
  several: boolean;
  page: number;
}

function buttonName(
  { name, chosen }: DocumentInfo & { chosen: boolean },
  several: boolean,
): string {
  const short = shortName(name, NAME_LENGTH);
  if (several) return `${chosen ? "☑" : "☐"} ${short}`;
  return chosen ? `● ${short}` : short;
}

/** What a query needs to find a document only if it is this user's own. */
function owned({ user }: PluginContext, argument: string) {
  return { userId: user.id, documentId: Number(argument) };
}

function pagesOf({ t }: PluginContext, { pages, unit }: DocumentInfo): string {
  return t("unit-count", { count: pages, unit });
}
