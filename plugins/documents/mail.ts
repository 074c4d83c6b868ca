/** E-mail (EML and Outlook's MSG): who wrote what to whom, and the attachments as documents. */
import { decodeHead } from "../../lib/extract/encoding.ts";
import { InnerFiles, MAX_DEPTH } from "../../lib/extract/inner_files.ts";
import { readHtml } from "../../lib/extract/markup.ts";
import { type Block, partsOf } from "../../lib/extract/parts.ts";
import { type Content, DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";
import { holdsStream } from "./spreadsheet.ts";

/** A letter begins with its headers; one of these is among them. */
const HEADER = /^(from|to|subject|date|message-id|received|return-path|mime-version):/im;

interface Letter {
  /** As they are shown, in this order; empty ones are left out. */
  headers: readonly (readonly [name: string, value: string | undefined])[];
  text: string | undefined;
  html: string | undefined;
  attachments: readonly { name: string; bytes: Uint8Array }[];
}

export default definePlugin({
  name: "mail",
  formats: [
    {
      name: "eml",
      extensions: ["eml"],
      unit: "part",
      matches(bytes) {
        const head = decodeHead(bytes)?.split(/\r?\n\r?\n/)[0] ?? "";
        const lines = head.split(/\r?\n/);
        return HEADER.test(head) && lines.length >= 2 &&
          lines.every((line) => /^[\w-]+:|^[ \t]|^From /.test(line));
      },
      async extract(bytes, { depth }) {
        const { default: PostalMime } = await import("postal-mime");
        const mail = await PostalMime.parse(bytes, { attachmentEncoding: "arraybuffer" });
        return contentOf({
          headers: [
            ["From", addressed(mail.from ? [mail.from] : [])],
            ["To", addressed(mail.to ?? [])],
            ["Cc", addressed(mail.cc ?? [])],
            ["Date", mail.date],
            ["Subject", mail.subject],
          ],
          text: mail.text,
          html: mail.html,
          attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
            name: filename ?? (mimeType === "message/rfc822" ? "letter.eml" : "attachment"),
            bytes: typeof content === "string"
              ? new TextEncoder().encode(content)
              : new Uint8Array(content),
          })),
        }, depth);
      },
    },
    {
      name: "msg",
      extensions: ["msg"],
      unit: "part",
      matches: (bytes) => holdsStream(bytes, "__nameid_version1.0"),
      async extract(bytes, { depth }) {
        // The package is CommonJS that was made of a module.
        const { default: { default: MsgReader } } = await import("@kenjiuno/msgreader");
        const reader = new MsgReader(bytes.buffer);
        const mail = reader.getFileData();
        if (mail.error !== undefined) {
          throw new DocumentRefusedError("damaged", `it cannot be opened: ${mail.error}`);
        }
        const { recipients = [], attachments = [] } = mail;
        const named = (type: string) =>
          recipients.filter(({ recipType }) => recipType === type)
            .map(({ name, smtpAddress, email }) => ({ name, address: smtpAddress ?? email }));
        return contentOf({
          headers: [
            [
              "From",
              addressed([{
                name: mail.senderName,
                address: mail.senderSmtpAddress ?? mail.senderEmail,
              }]),
            ],
            ["To", addressed(named("to"))],
            ["Cc", addressed(named("cc"))],
            ["Date", mail.messageDeliveryTime ?? mail.clientSubmitTime],
            ["Subject", mail.subject],
          ],
          text: mail.body,
          html: mail.html === undefined ? mail.bodyHtml : new TextDecoder().decode(mail.html),
          attachments: attachments.filter(({ innerMsgContent }) => !innerMsgContent)
            .map((attachment) => reader.getAttachment(attachment))
            .map(({ fileName, content }) => ({ name: fileName, bytes: content })),
        }, depth);
      },
    },
  ],
});

interface Address {
  name?: string | undefined;
  address?: string | undefined;
}

function addressed(people: readonly Address[]): string {
  return people
    .map(({ name, address }) => name && address ? `${name} <${address}>` : name || address || "")
    .filter(Boolean).join(", ");
}

function contentOf({ headers, text, html, attachments }: Letter, depth: number): Content {
  const files = new InnerFiles();
  // A letter within a letter within a letter is named, not opened.
  if (depth < MAX_DEPTH) { for (const { name, bytes } of attachments) files.add(name, bytes); }
  const blocks: Block[] = headers
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => ({ text: `${name}: ${value}`, row: true }));
  if (attachments.length > 0) {
    const names = attachments.map(({ name }) => name).join(", ");
    blocks.push({ text: `Attachments: ${names}`, row: true });
  }
  if (text?.trim()) {
    blocks.push(...text.split(/\n\s*\n/).map((paragraph) => ({ text: paragraph.trim() })));
  } else if (html !== undefined) blocks.push(...readHtml(html).blocks);
  return { sections: partsOf(blocks), files: files.files };
}
