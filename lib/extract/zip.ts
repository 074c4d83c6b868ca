/** What a ZIP says of itself in its central directory, before anything is inflated. */

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const MAX_COMMENT = 65_535;

interface Entry {
  name: string;
  /** Bytes once inflated, as declared. */
  size: number;
}

/** Whether `bytes` is a ZIP that holds a file of this name. */
export function holdsFile(bytes: Uint8Array, name: string): boolean {
  return entriesOf(bytes).some((entry) => entry.name === name);
}

/** Bytes of all files once inflated, as the archive declares them. */
export function inflatedSize(bytes: Uint8Array): number {
  return entriesOf(bytes).reduce((sum, { size }) => sum + size, 0);
}

/** The files of a ZIP; none when it is not one, or is cut off. */
function entriesOf(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  if (end === undefined) return [];
  const entries: Entry[] = [];
  let at = view.getUint32(end + 16, true);
  const count = view.getUint16(end + 10, true);
  for (let n = 0; n < count && at + ENTRY_LENGTH <= bytes.length; n++) {
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) break;
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(
      bytes.subarray(at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength),
    );
    entries.push({ name, size: view.getUint32(at + 24, true) });
    at += ENTRY_LENGTH + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

function endOf(view: DataView): number | undefined {
  const first = Math.max(0, view.byteLength - END_LENGTH - MAX_COMMENT);
  for (let at = view.byteLength - END_LENGTH; at >= first; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
}
