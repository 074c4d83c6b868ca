/**
 * Fetches a page that a user has named, from the public internet alone: each
 * host is resolved once, all its addresses are checked, and the connection goes
 * to a checked one, so that no name can turn into an inner address in between.
 */
import { lookup } from "node:dns/promises";
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { basename } from "node:path";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { PageRefusedError } from "../library.ts";
import { isPublicAddress } from "./public_address.ts";

const MAX_REDIRECTS = 5;
const NAME_LENGTH = 80;
/** By the media type that a server names; the content decides in the end. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/html": "html",
  "application/xhtml+xml": "html",
  "text/plain": "txt",
  "text/csv": "csv",
  "text/markdown": "md",
  "application/json": "json",
  "application/pdf": "pdf",
};

export interface PageFetcherOptions {
  /** The most that is taken, once inflated. */
  maxBytes: number;
  /** For all of it, redirects included. */
  timeoutMs: number;
  /** All addresses of a host; the system's resolver if not given. */
  resolve?: (host: string) => Promise<readonly string[]>;
  /** Which addresses may be visited; the public ones if not given. */
  isAllowed?: (address: string) => boolean;
}

/** A page, and how to name it as a document. */
export interface FetchedPage {
  /** Where it was found after all redirects. */
  url: string;
  name: string;
  bytes: Uint8Array;
}

export type FetchPage = (url: string, signal: AbortSignal) => Promise<FetchedPage>;

/** @throws {PageRefusedError} within the result, with the reason */
export function createPageFetcher(options: PageFetcherOptions): FetchPage {
  const { maxBytes, timeoutMs, isAllowed = isPublicAddress } = options;
  const resolve = options.resolve ?? resolveBySystem;

  async function addressOf(host: string): Promise<string> {
    const literal = host.replace(/^\[|\]$/g, "");
    const addresses = isIP(literal) !== 0 ? [literal] : await resolve(host).catch((cause) => {
      throw new PageRefusedError("unreachable", `'${host}' has no address`, { cause });
    });
    const [first] = addresses;
    if (first === undefined) throw new PageRefusedError("unreachable", `'${host}' has no address`);
    // One inner address among public ones is an attempt to get in.
    if (!addresses.every(isAllowed)) {
      throw new PageRefusedError("not_allowed", `'${host}' is not on the public internet`);
    }
    return first;
  }

  return async (start, signal) => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    const limits = AbortSignal.any([signal, controller.signal]);
    try {
      let url = checkedUrl(start);
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const response = await request(url, await addressOf(url.hostname), limits);
        const { statusCode = 0, headers: { location } } = response;
        if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
          response.destroy();
          url = checkedUrl(new URL(location, url).href);
          continue;
        }
        if (statusCode !== 200) {
          response.destroy();
          const problem = statusCode === 404 || statusCode === 410 ? "not_found" : "refused";
          throw new PageRefusedError(problem, `the server answers ${statusCode}`);
        }
        const bytes = await bodyOf(response, maxBytes);
        return { url: url.href, name: nameOf(url, response), bytes };
      }
      throw new PageRefusedError("refused", "it leads from one address to the next");
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PageRefusedError) throw error;
      if (controller.signal.aborted) {
        throw new PageRefusedError("too_slow", `it took over ${timeoutMs} ms`, { cause: error });
      }
      throw new PageRefusedError("unreachable", "no connection can be made", { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** HTTP and HTTPS alone, and no password in the address. */
function checkedUrl(text: string): URL {
  const url = URL.parse(text);
  if (
    url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== ""
  ) {
    throw new PageRefusedError("not_allowed", "it is no plain web address");
  }
  return url;
}

async function resolveBySystem(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** One request, to this address whatever the name says by now. */
function request(url: URL, address: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const family = isIP(address);
  const options: RequestOptions = {
    signal,
    agent: false,
    lookup: (_host, { all }, done) =>
      all ? done(null, [{ address, family }]) : done(null, address, family),
    headers: {
      accept: "text/html,application/xhtml+xml,application/pdf,text/plain,*/*;q=0.5",
      "accept-encoding": "gzip, deflate, br",
      "user-agent": "Mozilla/5.0 (compatible; document-assistant)",
      connection: "close",
    },
  };
  const asked = (url.protocol === "https:" ? https : http).get(url, options, resolve);
  asked.on("error", reject);
  return promise;
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new PageRefusedError("too_large", `it has more than ${maxBytes} bytes`);
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  const inflater = inflaterOf(response.headers["content-encoding"]);
  const body = inflater === undefined ? response : response.pipe(inflater);
  response.on("error", (error) => inflater?.destroy(error));
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } finally {
    response.destroy();
    inflater?.destroy();
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

function inflaterOf(encoding: string | undefined) {
  if (encoding === "gzip" || encoding === "x-gzip") return createGunzip();
  if (encoding === "br") return createBrotliDecompress();
  if (encoding === "deflate") return createInflate();
}

/** The last part of the path, or the host, with the extension of what was sent. */
function nameOf(url: URL, { headers }: IncomingMessage): string {
  const [type = ""] = (headers["content-type"] ?? "").toLowerCase().split(/\s*;/);
  const extension = EXTENSIONS[type] ?? "";
  const last = decoded(basename(url.pathname)).replace(/[\p{Cc}\p{Cf}<>:"/\\|?*]/gu, "").trim();
  const stem = last === "" ? url.hostname : last;
  const isNamed = extension === "" || stem.toLowerCase().endsWith(`.${extension}`);
  return `${stem.slice(0, NAME_LENGTH)}${isNamed ? "" : `.${extension}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
