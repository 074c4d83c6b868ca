/** A link alone in a message: offers to read the page as a document. */
import { PageRefusedError } from "../../lib/library.ts";
import { beginUpload, receive } from "../documents/receive.ts";
import { definePlugin } from "../plugin.ts";

/** Without a scheme a name alone is no link: `report.pdf` looks like one as well. */
const LINK = /^(?:https?:\/\/\S+|www\.\S+|(?:[\p{L}\d-]+\.)+\p{L}{2,}\/\S*)$/iu;
const SHOWN_LENGTH = 80;

export default definePlugin({
  name: "link",
  texts: [{
    claims: (text) => LINK.test(text.trim()),
    async run(context, text) {
      const { ask, reply, t, user } = context;
      const url = /^https?:/i.test(text) ? text.trim() : `https://${text.trim()}`;
      // A button's data holds 64 bytes, so the link itself is kept.
      const linkId = await ask("db.keepLink", { userId: user.id, url });
      const shown = url.length > SHOWN_LENGTH ? `${url.slice(0, SHOWN_LENGTH)}…` : url;
      await reply(t("link-question", { url: shown }), {
        buttons: [[{ text: t("button-read-page"), data: `read-page:${linkId}` }]],
      });
    },
  }],
  buttons: [{
    name: "read-page",
    async run(context, linkId, message) {
      const { ask, t, user } = context;
      const url = await ask("db.readLink", { userId: user.id, linkId: Number(linkId) });
      if (url === undefined) {
        await message.edit(t("link-gone"));
        return;
      }
      const upload = await beginUpload(context, new URL(url).hostname, "", {
        shown: message,
      });
      try {
        const page = await context.fetchPage(url);
        await receive(context, page.name, upload, () =>
          Promise.resolve({
            userId: user.id,
            name: page.name,
            bytes: page.bytes,
            updateId: context.updateId,
          }));
      } catch (error) {
        if (!(error instanceof PageRefusedError)) throw error;
        await message.edit(t(`page-${error.problem}`, { url: new URL(url).hostname }));
      }
      await ask("db.endUpload", { updateId: context.updateId });
    },
  }],
});
