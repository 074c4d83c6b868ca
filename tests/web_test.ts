/** Pages of the web: what is fetched from where, and which ways into a private network are closed. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { PageProblem } from "../lib/library.ts";
import { createPageFetcher, type PageFetcherOptions } from "../lib/web/page_fetcher.ts";
import { isPublicAddress } from "../lib/web/public_address.ts";

const never = new AbortController().signal;
/** Stands for a public address in these tests; 127.0.0.1 is what must not be reached. */
const PUBLIC = "127.0.0.2";

interface Site extends AsyncDisposable {
  port: number;
  /** Paths that were asked for. */
  seen: string[];
}

function startSite(hostname: string, respond: (request: Request) => Response): Site {
  const seen: string[] = [];
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
    seen.push(new URL(request.url).pathname);
    return respond(request);
  });
  return {
    port: server.addr.port,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function fetcher(options: Partial<PageFetcherOptions> = {}) {
  return createPageFetcher({
    maxBytes: 100_000,
    timeoutMs: 5_000,
    resolve: () => Promise.resolve([PUBLIC]),
    isAllowed: (address) => address === PUBLIC,
    ...options,
  });
}

const refused = (problem: PageProblem) => ({ name: "PageRefusedError", problem });

Deno.test("a page is fetched by its name, and named after its path", async () => {
  await using site = startSite(
    PUBLIC,
    ({ headers }) =>
      new Response(`<html>for ${headers.get("host")}`, {
        headers: { "content-type": "text/html; charset=utf-8" },
      }),
  );
  const page = await fetcher()(`http://site.test:${site.port}/a/%D0%BC%D0%B0%D1%8F%D0%BA`, never);
  assert.equal(page.name, "маяк.html");
  assert.equal(new TextDecoder().decode(page.bytes), `<html>for site.test:${site.port}`);
});

Deno.test("redirects are followed, each checked anew", async () => {
  await using inner = startSite("127.0.0.1", () => new Response("secret"));
  await using site = startSite(PUBLIC, ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/there") return new Response("found");
    const targets: Record<string, string> = {
      "/here": "/there",
      "/in": `http://127.0.0.1:${inner.port}/`,
      "/named": `http://inner.test:${inner.port}/`,
      "/file": "file:///etc/passwd",
      "/round": "/round",
    };
    return new Response(null, { status: 302, headers: { location: targets[pathname] ?? "/" } });
  });
  const fetchPage = fetcher({
    resolve: (host) => Promise.resolve([host === "inner.test" ? "127.0.0.1" : PUBLIC]),
  });
  const at = (path: string) => fetchPage(`http://site.test:${site.port}${path}`, never);
  assert.equal(new TextDecoder().decode((await at("/here")).bytes), "found");
  for (const path of ["/in", "/named", "/file"]) {
    await assert.rejects(at(path), refused("not_allowed"), path);
  }
  await assert.rejects(at("/round"), refused("refused"));
  assert.deepEqual(inner.seen, []);
});

Deno.test("a name that turns into an inner address after the check is not followed there", async () => {
  await using inner = startSite("127.0.0.1", () => new Response("secret"));
  let asked = 0;
  const fetchPage = fetcher({
    resolve: () => Promise.resolve([asked++ === 0 ? PUBLIC : "127.0.0.1"]),
  });
  // The checked address has no server at this port; only the inner one has.
  await assert.rejects(fetchPage(`http://site.test:${inner.port}/`, never), refused("unreachable"));
  assert.deepEqual([inner.seen, asked], [[], 1]);
  const both = fetcher({ resolve: () => Promise.resolve([PUBLIC, "127.0.0.1"]) });
  await assert.rejects(both(`http://site.test:${inner.port}/`, never), refused("not_allowed"));
  assert.deepEqual(inner.seen, []);
});

Deno.test("private addresses are refused in every notation, without a connection", async () => {
  const fetchPage = createPageFetcher({ maxBytes: 1_000, timeoutMs: 2_000 });
  const hosts = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "017700000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00::1]",
    "[fe80::1]",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "localhost",
  ];
  for (const host of hosts) {
    await assert.rejects(fetchPage(`http://${host}/`, never), refused("not_allowed"), host);
  }
  for (const url of ["ftp://site.test/", "file:///etc/passwd", "http://a:b@site.test/", "no url"]) {
    await assert.rejects(fetchPage(url, never), refused("not_allowed"), url);
  }
  assert.ok(isPublicAddress("93.184.216.34") && isPublicAddress("2606:2800:220:1::1"));
});

Deno.test("what is too much, too slow or not there ends with its reason", async () => {
  const slow = () =>
    new Response(
      new ReadableStream({ pull: () => new Promise(() => {}) }),
    );
  const bomb = new Uint8Array(gzipSync(new Uint8Array(10_000_000)));
  await using site = startSite(PUBLIC, ({ url }) => {
    switch (new URL(url).pathname) {
      case "/large":
        return new Response("x".repeat(200_000));
      case "/bomb":
        return new Response(bomb, { headers: { "content-encoding": "gzip" } });
      case "/slow":
        return slow();
      case "/broken":
        return new Response(null, { status: 500 });
      default:
        return new Response(null, { status: 404 });
    }
  });
  const at = (path: string, options = {}) =>
    fetcher(options)(`http://site.test:${site.port}${path}`, never);
  await assert.rejects(at("/large"), refused("too_large"));
  await assert.rejects(at("/bomb"), refused("too_large"));
  await assert.rejects(at("/slow", { timeoutMs: 100 }), refused("too_slow"));
  await assert.rejects(at("/broken"), refused("refused"));
  await assert.rejects(at("/nowhere"), refused("not_found"));
  const stopped = new AbortController();
  const fetching = fetcher()(`http://site.test:${site.port}/slow`, stopped.signal);
  stopped.abort(new Error("cancelled"));
  await assert.rejects(fetching, /cancelled/);
});
