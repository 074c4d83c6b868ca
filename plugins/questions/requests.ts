/** Ready-made requests as buttons: a summary, key points, deadlines, risks, figures. */
import { type Button, definePlugin, type PluginContext } from "../plugin.ts";
import { deliver } from "./deliver.ts";
import { takeQuota } from "./quota.ts";
import { answerAboutAll } from "./whole_document.ts";

/** In the order of their buttons. */
const REQUESTS = ["summary", "points", "deadlines", "risks", "figures"] as const;
const IN_ROW = 2;

/** Buttons under a document that can be asked about; none without an AI to do it. */
export function requestButtons(
  { settings, t }: Pick<PluginContext, "settings" | "t">,
  documentId: number,
): Button[][] {
  if (settings.model === "offline") return [];
  const buttons = REQUESTS.map((name) => ({
    text: t(`button-request-${name}`),
    data: `request:${name}:${documentId}`,
  }));
  const rows: Button[][] = [];
  for (let n = 0; n < buttons.length; n += IN_ROW) rows.push(buttons.slice(n, n + IN_ROW));
  return rows;
}

export default definePlugin({
  name: "requests",
  buttons: [{
    name: "request",
    async run(context, argument) {
      const { ask, reply, t, user } = context;
      const [kind, id] = argument.split(":");
      const name = REQUESTS.find((each) => each === kind);
      const documents = await ask("db.listDocuments", { userId: user.id });
      const document = documents.find((each) => String(each.id) === id);
      if (name === undefined || document === undefined) {
        await reply(t("document-gone"));
        return;
      }
      if (!await takeQuota(context)) return;
      context.typing();
      const question = t(`request-${name}`);
      const answer = await answerAboutAll(context, document, question);
      const again = `request:${argument}`;
      await deliver(context, { documents: [document], question, answer, again });
    },
  }],
});
