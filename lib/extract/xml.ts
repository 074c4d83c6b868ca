/**
 * XML of office formats as events, with the names that their specifications
 * use. A document's own entities are unknown here, so no bomb of them expands.
 */
import { SaxesParser, type SaxesTagPlain } from "saxes";
import { DocumentRefusedError } from "../library.ts";

/** What is called while XML is read; names with their usual prefix. */
export interface XmlHandlers {
  open(name: string, attribute: (name: string) => string | undefined): void;
  close(name: string): void;
  text(text: string): void;
}

/**
 * Reads a whole XML text.
 *
 * @throws {DocumentRefusedError} when it is not well-formed
 */
export function readXml(xml: string, { open, close, text }: XmlHandlers): void {
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw new DocumentRefusedError("damaged", `its XML is broken: ${error.message}`);
  });
  parser.on("opentag", ({ name, attributes }: SaxesTagPlain) => {
    open(name, (wanted) => attributes[wanted]);
  });
  parser.on("closetag", ({ name }) => close(name));
  parser.on("text", text);
  parser.write(xml).close();
}
