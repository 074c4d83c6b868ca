/**
 * People who write numbers to the bot, each in a chat of their own, and a
 * Telegram that delivers them: one after the other within a chat, to any
 * replica, again until one takes it, and some twice.
 */
import type { BotApiServer } from "../../../lib/demo/bot_api_server.ts";
import type { ChatMessage, DemoUser } from "../../../lib/demo/chats.ts";
import type { Random } from "./random.ts";
import { type Replica, type Update, wait } from "./replica.ts";

const FIRST_USER = 1_000;
const FIRST_UPDATE = 1_000_000;
const RETRY_MS = 100;
/** Shares of updates that are delivered to two replicas at once, and again later. */
const TWICE_AT_ONCE = 0.05;
const TWICE_LATER = 0.05;
const LATER_MS = 2_000;
const LOOK_MS = 200;

export interface CrowdOptions {
  server: BotApiServer;
  replicas: readonly Replica[];
  random: Random;
  chats: number;
  /** Of all chats together. */
  updates: number;
  /** The time over which they are spread; 0: each as soon as the one before is taken. */
  overMs: number;
}

export interface Member {
  user: DemoUser;
  /** How many numbers were acknowledged; the first is 1. */
  acknowledged: number;
  /** The update of each number, at its index. */
  updateIds: number[];
}

export interface Crowd {
  readonly members: readonly Member[];
  readonly deliveries: { posts: number; refused: number; repeated: number };
  /** Sends everything; resolves when all is acknowledged, or `signal` aborts. */
  send(signal: AbortSignal): Promise<void>;
  /** Resolves when each acknowledged number is answered, or when for `idleMs` none was. */
  answered(idleMs: number): Promise<void>;
}

export function createCrowd(
  { server, replicas, random, chats, updates, overMs }: CrowdOptions,
): Crowd {
  const deliveries = { posts: 0, refused: 0, repeated: 0 };
  let nextUpdate = FIRST_UPDATE;
  const members: Member[] = Array.from({ length: chats }, (_, n) => ({
    user: server.user({ id: FIRST_USER + n, firstName: "Ada", languageCode: "en" }),
    acknowledged: 0,
    updateIds: [0],
  }));

  async function post(update: Update): Promise<boolean> {
    const up = replicas.filter(({ isUp }) => isUp);
    deliveries.posts++;
    const taken = await random.pick(up.length > 0 ? up : replicas).post(update);
    if (!taken) deliveries.refused++;
    return taken;
  }

  async function deliver(update: Update, signal: AbortSignal): Promise<void> {
    const isTwice = random.chance(TWICE_AT_ONCE);
    while (!signal.aborted) {
      const posts = isTwice ? [post(update), post(update)] : [post(update)];
      if (isTwice) deliveries.repeated++;
      if ((await Promise.all(posts)).includes(true)) return;
      await wait(RETRY_MS, signal);
    }
  }

  async function chat(member: Member, share: number, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    const repeats: Promise<unknown>[] = [];
    for (let n = 1; n <= share && !signal.aborted; n++) {
      const due = begun + overMs * (n - random.next()) / share;
      if (due > performance.now()) await wait(due - performance.now(), signal);
      if (signal.aborted) break;
      const update = updateOf(member, n, nextUpdate++);
      member.updateIds.push(update.update_id);
      await deliver(update, signal);
      if (signal.aborted) break;
      member.acknowledged = n;
      if (!random.chance(TWICE_LATER)) continue;
      deliveries.repeated++;
      repeats.push(wait(random.between(0, LATER_MS), signal).then(() => post(update)));
    }
    await Promise.all(repeats);
  }

  return {
    members,
    deliveries,
    async send(signal) {
      const share = Math.ceil(updates / chats);
      await Promise.all(members.map((member) => chat(member, share, signal)));
    },
    async answered(idleMs) {
      const never = new AbortController().signal;
      const missing = () => members.reduce((sum, member) => sum + unanswered(member), 0);
      let before = Infinity;
      let since = performance.now();
      // Who still waits at the end is counted afterwards.
      while (performance.now() - since < idleMs) {
        const now = missing();
        if (now === 0) return;
        if (now < before) since = performance.now();
        before = now;
        await wait(LOOK_MS, never);
      }
    },
  };
}

function unanswered({ user, acknowledged }: Member): number {
  const numbers = new Set(user.messages().map(numberIn).filter((n) => n <= acknowledged));
  return acknowledged - numbers.size;
}

/** The number that a message of the bot answers; NaN for any other message. */
export function numberIn(message: ChatMessage | undefined): number {
  return message?.from === "bot" && /^\d+$/.test(message.text) ? Number(message.text) : NaN;
}

/** The process that wrote an answer. */
export function answererIn({ buttons }: ChatMessage): number {
  return Number(buttons[0]?.[0]?.data ?? NaN);
}

function updateOf({ user }: Member, n: number, update_id: number): Update {
  return {
    update_id,
    message: {
      message_id: n,
      date: Math.floor(Date.now() / 1_000),
      chat: { id: user.id, type: "private", first_name: "Ada" },
      from: { id: user.id, is_bot: false, first_name: "Ada", language_code: "en" },
      text: String(n),
    },
  };
}
