/**
 * Numbers that name an actor's children, and are used again: xstate keeps a note
 * for each event type that a machine has ever met, and a child's id is part of
 * some. Ever new ids would fill the memory, a kilobyte for each.
 */

/** Numbers that were given out, and those of them that are free again. */
export interface ChildNumbers {
  made: number;
  free: readonly number[];
}

export const noChildren: ChildNumbers = { made: 0, free: [] };

/** Takes `count` numbers that no child has; gives them, and what is left. */
export function takeNumbers({ made, free }: ChildNumbers, count: number): [number[], ChildNumbers] {
  const fresh = Math.max(0, count - free.length);
  const taken = [...free.slice(0, count), ...Array.from({ length: fresh }, (_, n) => made + n)];
  return [taken, { made: made + fresh, free: free.slice(count) }];
}

/** Gives back the number of a child that is stopped, from its id, `<kind>.<number>`. */
export function giveBack({ made, free }: ChildNumbers, childId: string): ChildNumbers {
  return { made, free: [...free, Number(childId.slice(childId.lastIndexOf(".") + 1))] };
}
