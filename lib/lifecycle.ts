/** How a child tells its supervisor that it is up. */
import type { AnyActorRef, MachineContext } from "xstate";

/** Context of an actor that reports what it found at its start. */
export interface Noted extends MachineContext {
  /** One line for the operator, such as `PostgreSQL 15, 1 migration applied`. */
  note: string;
}

/** Action: tells the supervisor that this actor is up, with its note. */
export function reportReady(
  { self, context }: { self: AnyActorRef; context: { note: string } },
): void {
  self._parent?.send({ type: "child.ready", id: self.id, note: context.note });
}
