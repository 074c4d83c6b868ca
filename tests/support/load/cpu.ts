/** CPU time of processes, since on shared cores it says more than the time on the wall. */

/** Of the kernel's clock in which it tells CPU time, a second. */
const TICKS = 100;

/** What a process has used so far, all its threads, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  // Deno itself may not read here.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/stat`] }).output();
  const text = new TextDecoder().decode(stdout);
  // The second field, the name, may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS * 1_000;
}
