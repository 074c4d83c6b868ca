/**
 * Vectors of meaning as they are kept: a byte for each part. A model's own
 * precision tells nothing more about which passage is nearer, and takes four
 * times the room in the database and on the way from it. Pure.
 */

/** What the part with the largest amount becomes. */
const LARGEST = 127;

/** `vector` in whole numbers from -127 to 127; its length is lost, its direction kept. */
export function packed(vector: Float32Array): Int8Array {
  const largest = vector.reduce((most, part) => Math.max(most, Math.abs(part)), 0) || 1;
  return Int8Array.from(vector, (part) => Math.round(part / largest * LARGEST));
}

/** How near two directions are: 1 for the same one, 0 for those that have nothing in common. */
export function cosine(a: Int8Array, b: Int8Array): number {
  let both = 0;
  let ofA = 0;
  let ofB = 0;
  for (let n = 0; n < a.length; n++) {
    const x = a[n] ?? 0;
    const y = b[n] ?? 0;
    both += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA === 0 || ofB === 0 ? 0 : both / Math.sqrt(ofA * ofB);
}

/** For a text column or the cache. */
export function toBase64(vector: Int8Array): string {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.length).toBase64();
}

/** One vector, or several that stand one after the other. */
export function fromBase64(text: string): Int8Array {
  return new Int8Array(Uint8Array.fromBase64(text).buffer);
}
