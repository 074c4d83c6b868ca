/**
 * Reads the letters in pictures, in Russian or English: the language whose
 * words come out surest is the page's. Takes seconds for a page.
 */
import type { OcrPart } from "../../plugins/plugin.ts";
import type { OCREngine } from "tesseract-wasm";

type Language = "eng" | "rus";

/** A picture, four bytes a pixel. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** What stands in a picture, and how sure that is: 0 to 1, weighed by the words' length. */
export interface Recognised {
  text: string;
  confidence: number;
}

export interface Recogniser {
  recognise(picture: Picture): Promise<Recognised>;
}

/** A page that comes out this sure needs no look in the other language. */
const SURE = 0.85;

/** @param part gives what the sandbox cannot read itself */
export async function createRecogniser(
  part: (part: OcrPart) => Promise<Uint8Array<ArrayBuffer> | undefined>,
): Promise<Recogniser> {
  const wasmBinary = await part("engine");
  if (wasmBinary === undefined) throw new Error("Cannot read pictures as the engine is missing");
  const russian = await part("rus");
  const engines = new Map<Language, OCREngine>();
  // A document's pages are mostly of one language, and an engine takes its share of memory.
  let order: Language[] = russian === undefined ? ["eng"] : ["rus", "eng"];

  const engineFor = async (language: Language): Promise<OCREngine> => {
    const loaded = engines.get(language);
    if (loaded !== undefined) return loaded;
    const model = language === "rus" ? russian : undefined;
    const engine = await engineOf(wasmBinary, model ?? await englishModel());
    engines.set(language, engine);
    return engine;
  };

  return {
    async recognise(picture) {
      let best: Recognised = { text: "", confidence: 0 };
      for (const language of order) {
        const read = readBy(await engineFor(language), picture);
        if (read.confidence > best.confidence) {
          best = read;
          order = [language, ...order.filter((other) => other !== language)];
        }
        if (best.confidence >= SURE) break;
      }
      return best;
    },
  };
}

async function engineOf(wasmBinary: Uint8Array, model: Uint8Array): Promise<OCREngine> {
  const { createOCREngine } = await import("tesseract-wasm");
  const engine = await createOCREngine({ wasmBinary });
  engine.loadModel(model);
  return engine;
}

async function englishModel(): Promise<Uint8Array> {
  const { default: gzipped } = await import("@tesseract.js-data/eng/eng.traineddata.gz", {
    with: { type: "bytes" },
  });
  const inflated = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}

function readBy(engine: OCREngine, { width, height, data }: Picture): Recognised {
  const dots = new Uint8ClampedArray(data.buffer as ArrayBuffer, data.byteOffset, data.length);
  engine.loadImage({ width, height, data: dots, colorSpace: "srgb" } as ImageData);
  try {
    const words = engine.getTextBoxes("word").filter(({ text }) => text.trim() !== "");
    const letters = words.reduce((sum, { text }) => sum + text.length, 0);
    const sure = words.reduce((sum, { text, confidence }) => sum + text.length * confidence, 0);
    return { text: engine.getText(), confidence: letters === 0 ? 0 : sure / letters };
  } finally {
    engine.clearImage();
  }
}
