/** Errors of a vendor's SDK, made safe to log. */

/** A copy without the key: servers and proxies may echo it in what they complain about. */
export function withoutKey(error: unknown, apiKey: string | undefined): Error {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const hidden = (text: string) => apiKey === undefined ? text : text.replaceAll(apiKey, "***");
  const copy = new Error(hidden(message));
  copy.name = name;
  if (stack !== undefined) copy.stack = hidden(stack);
  return copy;
}
