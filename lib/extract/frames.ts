/**
 * How the bot and a sandboxed process talk over a pipe: messages of a length
 * (4 bytes, big-endian) and as many bytes, so that files travel as they are.
 */

const LENGTH_BYTES = 4;

/** One frame, ready to be written; in two parts, as a file is not copied for it. */
export function frame(payload: Uint8Array): [head: Uint8Array, payload: Uint8Array] {
  const head = new Uint8Array(LENGTH_BYTES);
  new DataView(head.buffer).setUint32(0, payload.length);
  return [head, payload];
}

/** A frame that holds `value` as JSON. */
export function jsonFrame(value: unknown): [head: Uint8Array, payload: Uint8Array] {
  return frame(new TextEncoder().encode(JSON.stringify(value)));
}

/** What a frame of JSON holds. */
export function jsonOf(payload: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}

/**
 * The payloads of a stream, one after the other.
 *
 * @param maxBytes the most that all of them together may announce
 * @throws {RangeError} when they announce more
 */
export async function* framesOf(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let head = new Uint8Array(LENGTH_BYTES);
  let payload: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  let announced = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length || payload?.length === 0;) {
      const into: Uint8Array<ArrayBuffer> = payload ?? head;
      const taken = chunk.subarray(at, at + into.length - filled);
      into.set(taken, filled);
      at += taken.length;
      filled += taken.length;
      if (filled < into.length) continue;
      filled = 0;
      if (payload === undefined) {
        const length = new DataView(head.buffer).getUint32(0);
        announced += length;
        if (announced > maxBytes) throw new RangeError(`Cannot take ${announced} bytes of frames`);
        payload = new Uint8Array(length);
      } else {
        yield payload;
        payload = undefined;
        head = new Uint8Array(LENGTH_BYTES);
      }
    }
  }
}
