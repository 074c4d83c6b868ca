/** What a recording is cut into: parts that each are a whole file of its format. */

/** A piece of a recording that fits into one request. */
export interface Part {
  /** When it begins in the recording, in seconds. */
  start: number;
  /** How long it lasts; unknown where the format does not tell. */
  seconds?: number;
  /** Makes the file, which is only needed when its turn has come. */
  bytes(): Uint8Array;
}

/** How large a part may be. */
export interface PartLimits {
  maxBytes: number;
  maxSeconds: number;
}

/** One after the other in one array. */
export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The four letters at `at`, as container formats mark their chunks. */
export function tagAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
