/** Office files with a password: whatever they are, they are one encrypted part in an old container. */
import { DocumentRefusedError } from "../../lib/library.ts";
import { definePlugin } from "../plugin.ts";
import { holdsStream } from "./spreadsheet.ts";

export default definePlugin({
  name: "locked",
  formats: [{
    name: "locked",
    extensions: [],
    unit: "part",
    matches: (bytes) => holdsStream(bytes, "EncryptedPackage"),
    extract: () => Promise.reject(new DocumentRefusedError("encrypted", "it needs a password")),
  }],
});
