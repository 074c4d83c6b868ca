/**
 * A headless Chromium for tests of the page: one tab, driven over the DevTools
 * protocol by real key strokes, clicks and drags. No driver's package is needed.
 */
import { connect, type Connection } from "./devtools.ts";
import { emptyFolder } from "./storage.ts";

const CANDIDATES = [
  Deno.env.get("CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];
const WAIT_MS = 20_000;
const LOOK_MS = 20;
const START_MS = 20_000;
const CLOSE_MS = 5_000;

const executable: string | undefined = await findExecutable();

/** Why the page cannot be tested here, if it cannot. */
export const missingChromium: string | undefined = executable === undefined
  ? "there is no Chromium; install it or name it in CHROMIUM"
  : undefined;

export interface Tab extends AsyncDisposable {
  /** What the page threw, logged as an error or was refused by its security policy. */
  readonly errors: readonly string[];
  /** Opens a page and waits until it is loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page, as JSON can carry it. */
  evaluate(expression: string): Promise<unknown>;
  /**
   * Waits until an expression in the page is truthy; gives its value.
   *
   * @throws {Error} after 20 seconds, with the text that the page then shows
   */
  until(expression: string): Promise<unknown>;
  /** Clicks in the middle of the first element that the selector finds. */
  click(selector: string): Promise<void>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  press(key: "Enter" | "Escape" | "Tab"): Promise<void>;
  /** Drags a file of this machine over an element; `drop` says whether to let it go there. */
  drag(selector: string, path: string, drop: boolean): Promise<void>;
  /** Calls the DevTools protocol itself, for the tab. */
  send(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** Starts a browser with an empty profile; it ends with the returned tab. */
export async function openTab(): Promise<Tab> {
  if (executable === undefined) throw new Error(`Cannot open a tab as ${missingChromium}`);
  const resources = new AsyncDisposableStack();
  try {
    const profile = resources.use(await emptyFolder());
    const address = await start(resources, executable, profile.path);
    const connection = await connect(resources, address);
    const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
    const attached = await connection.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = tabOf(connection, String(attached.sessionId), () => resources.disposeAsync());
    for (const domain of ["Page", "Runtime", "Log"]) await tab.send(`${domain}.enable`);
    return tab;
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** Starts a browser whose end is deferred to `resources`; gives its DevTools address. */
async function start(
  resources: AsyncDisposableStack,
  path: string,
  profile: string,
): Promise<string> {
  const process = new Deno.Command(path, {
    args: [...FLAGS, `--user-data-dir=${profile}`],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const address = Promise.withResolvers<string>();
  const reading = (async () => {
    let log = "";
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      const found = /DevTools listening on (ws:\S+)/.exec(log)?.[1];
      if (found !== undefined) address.resolve(found);
    }
    address.reject(new Error(`Cannot start ${path}:\n${log}`));
  })();
  address.promise.catch(() => {/* told to who awaits it */});
  resources.defer(async () => {
    const timer = setTimeout(() => process.kill("SIGKILL"), CLOSE_MS);
    await process.status;
    clearTimeout(timer);
    await reading;
  });
  const timer = setTimeout(() => process.kill("SIGKILL"), START_MS);
  try {
    return await address.promise;
  } finally {
    clearTimeout(timer);
  }
}

function tabOf(connection: Connection, sessionId: string, end: () => Promise<void>): Tab {
  const send: Tab["send"] = (method, params) => connection.send(method, params, sessionId);
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as { result: { value?: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails === undefined) return result.value;
    throw new Error(`Cannot evaluate ${expression}: ${JSON.stringify(exceptionDetails)}`);
  };
  const until = async (expression: string): Promise<unknown> => {
    const { found, shown } = await evaluate(`new Promise((resolve) => {
      const end = (answer) => {
        clearInterval(looking);
        clearTimeout(timer);
        resolve(answer);
      };
      const look = () => {
        const found = ${expression};
        if (found) end({ found });
      };
      const looking = setInterval(look, ${LOOK_MS});
      const timer = setTimeout(() => end({ shown: document.body.innerText }), ${WAIT_MS});
      look();
    })`) as { found?: unknown; shown?: string };
    if (found !== undefined) return found;
    throw new Error(`The page is not as expected: ${expression}\nIt shows:\n${shown}`);
  };
  /** Where the middle of an element is, once nothing hides it. */
  const middleOf = async (selector: string) => {
    return await until(`(() => {
      const node = document.querySelector(${JSON.stringify(selector)});
      node?.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top, width, height } = node?.getBoundingClientRect() ?? {};
      const place = { x: left + width / 2, y: top + height / 2 };
      return width > 0 && node.contains(document.elementFromPoint(place.x, place.y)) && place;
    })()`) as { x: number; y: number };
  };

  return {
    errors: connection.errors,
    send,
    evaluate,
    until,
    async open(url) {
      await send("Page.navigate", { url });
      await until(`document.readyState === "complete" && location.href !== "about:blank"`);
    },
    async click(selector) {
      const at = { ...await middleOf(selector), button: "left", clickCount: 1 };
      await send("Input.dispatchMouseEvent", { type: "mousePressed", ...at });
      await send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at });
    },
    async type(text) {
      await send("Input.insertText", { text });
    },
    async press(key) {
      const code = { Enter: 13, Escape: 27, Tab: 9 }[key];
      const stroke = { key, code: key, windowsVirtualKeyCode: code };
      const text = key === "Enter" ? "\r" : undefined;
      await send("Input.dispatchKeyEvent", { type: "keyDown", ...stroke, text });
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...stroke });
    },
    async drag(selector, path, drop) {
      const data = { items: [], files: [path], dragOperationsMask: 1 };
      const at = { ...await middleOf(selector), data };
      for (const type of ["dragEnter", "dragOver", ...(drop ? ["drop"] : [])]) {
        await send("Input.dispatchDragEvent", { type, ...at });
      }
    },
    [Symbol.asyncDispose]: end,
  };
}

async function findExecutable(): Promise<string | undefined> {
  for (const path of CANDIDATES) {
    if (path === undefined) continue;
    const found = await Deno.stat(path).catch(() => undefined);
    if (found?.isFile === true) return path;
  }
}
