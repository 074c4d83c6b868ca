/** An Outlook message for tests: an old Office container with the streams that MS-OXMSG names. */
import { Buffer } from "node:buffer";

export interface OutlookMessage {
  subject: string;
  sender: string;
  body: string;
  attachment: { name: string; bytes: Uint8Array };
}

/** Property ids, each with the suffix of its type: 001F is a Unicode text, 0102 is bytes. */
const SUBJECT = "0037001F";
const SENDER = "0C1A001F";
const BODY = "1000001F";
const MESSAGE_CLASS = "001A001F";
const FILE_NAME = "3707001F";
const FILE_DATA = "37010102";
/** Headers of property streams, before their first property. */
const MESSAGE_HEADER = 32;
const ATTACHMENT_HEADER = 8;

export async function makeMessage(message: OutlookMessage): Promise<Uint8Array> {
  const text = (value: string) => new Uint8Array(Buffer.from(value, "utf16le"));
  const { attachment } = message;
  return await makeContainer({
    "/__nameid_version1.0/__substg1.0_00020102": new Uint8Array(16),
    "/__properties_version1.0": new Uint8Array(MESSAGE_HEADER),
    [`/__substg1.0_${MESSAGE_CLASS}`]: text("IPM.Note"),
    [`/__substg1.0_${SUBJECT}`]: text(message.subject),
    [`/__substg1.0_${SENDER}`]: text(message.sender),
    [`/__substg1.0_${BODY}`]: text(message.body),
    "/__attach_version1.0_#00000000/__properties_version1.0": new Uint8Array(ATTACHMENT_HEADER),
    [`/__attach_version1.0_#00000000/__substg1.0_${FILE_NAME}`]: text(attachment.name),
    [`/__attach_version1.0_#00000000/__substg1.0_${FILE_DATA}`]: attachment.bytes,
  });
}

/** An old Office container with these streams, by their paths. */
export async function makeContainer(streams: Record<string, Uint8Array>): Promise<Uint8Array> {
  const { CFB } = await import("@e965/xlsx");
  const container = CFB.utils.cfb_new();
  for (const [path, bytes] of Object.entries(streams)) CFB.utils.cfb_add(container, path, bytes);
  return new Uint8Array(CFB.write(container, { type: "buffer" }));
}
