/** `/mydocs`: the user's documents as buttons, to choose the active one or delete one. */
import type { DocumentInfo } from "../../lib/library.ts";
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
            buttons: [[{ text: context.t("button-original"), data: `doc-file:${id}` }]],
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
            { text: context.t("button-delete-no"), data: "doc-list:" },
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
      async run(context, _argument, message) {
        const { text, buttons } = await overview(context);
        await message.edit(text, { buttons });
      },
    },
  ],
});

async function overview(
  context: PluginContext,
): Promise<{ text: string; buttons: Button[][] }> {
  const { t, user } = context;
  const documents = await context.ask("db.listDocuments", { userId: user.id });
  if (documents.length === 0) return { text: t("mydocs-empty"), buttons: [] };
  const active = documents.find((document) => document.active);
  const lines = [t("mydocs-title", { count: documents.length })];
  if (active !== undefined) lines.push(t("mydocs-active", { name: active.name }));
  if (documents.length > SHOWN) lines.push(t("mydocs-more", { count: documents.length - SHOWN }));
  const buttons = documents.slice(0, SHOWN).map((document) => [
    { text: buttonName(document), data: `doc-open:${document.id}` },
    { text: "🗑", data: `doc-delete:${document.id}` },
  ]);
  return { text: lines.join("\n\n"), buttons };
}

function buttonName({ name, active }: DocumentInfo & { active: boolean }): string {
  const short = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name;
  return active ? `● ${short}` : short;
}

/** What a query needs to find a document only if it is this user's own. */
function owned({ user }: PluginContext, argument: string) {
  return { userId: user.id, documentId: Number(argument) };
}

function pagesOf({ t }: PluginContext, { pages, unit }: DocumentInfo): string {
  return t("unit-count", { count: pages, unit });
}
