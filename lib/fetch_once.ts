/**
 * Deno's fetch sends a request once more, and says nothing of it, when a reused
 * connection breaks before the answer: a message would stand in the chat twice,
 * an answer be paid for twice. It does so only with a body that it can copy,
 * which a blob is not.
 */

/** `fetch` that sends a request with a text as its body at most once. */
export const fetchOnce: typeof fetch = (input, init) => {
  const isText = typeof init?.body === "string";
  return fetch(input, isText ? { ...init, body: new Blob([init.body as string]) } : init);
};
