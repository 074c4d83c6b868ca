/** A document's name where there is little room, as on a button. */
export function shortName(name: string, letters: number): string {
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
}
