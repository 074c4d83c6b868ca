/** Stand-in for the I/O that `main.ts` and tests fill into a machine by `provide()`. */
import { fromPromise, type NonReducibleUnknown, type PromiseActorLogic } from "xstate";

/** A promise actor that fails with a message that names the missing adapter. */
export function notProvided<Output, Input extends NonReducibleUnknown = NonReducibleUnknown>(
  name: string,
): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() =>
    Promise.reject(new Error(`Cannot run '${name}' as no adapter was provided`))
  );
}
