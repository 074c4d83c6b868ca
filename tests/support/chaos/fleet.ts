/** Replicas of the bot on one PostgreSQL and one Redis, each server behind a proxy that can fail. */
import postgres, { type Sql } from "postgres";
import { type BotApiServer, startBotApiServer } from "../../../lib/demo/bot_api_server.ts";
import { emptyDatabase, emptyFolder } from "../storage.ts";
import { type Proxy, startProxy } from "./proxy.ts";
import { type Replica, startReplica, TOKEN } from "./replica.ts";

export interface Fleet extends AsyncDisposable {
  readonly server: BotApiServer;
  readonly replicas: readonly Replica[];
  readonly telegram: Proxy;
  readonly database: Proxy;
  readonly redis: Proxy;
  /** Straight to the database, past the proxy. */
  readonly sql: Sql;
}

/** Starts so many replicas at once on an empty database; resolves when all take updates. */
export async function startFleet(size: number): Promise<Fleet> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await emptyFolder());
  const services = starting.use(await emptyDatabase());
  const server = await startBotApiServer({ token: TOKEN });
  starting.defer(() => server.close());
  const sql = postgres(services.url, { max: 1, onnotice: () => {} });
  starting.defer(() => sql.end());
  const through = (address: string) => {
    const url = new URL(address);
    const proxy = starting.use(startProxy(url.host));
    url.host = proxy.host;
    return { proxy, url: url.href.replace(/\/$/, "") };
  };
  const telegram = through(server.url);
  const database = through(services.url);
  const redis = through(services.redisUrl);
  const replicas = Array.from({ length: size }, (_, n) =>
    starting.use(startReplica({
      BOT_API_ROOT: telegram.url,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      DATA_DIR: `${folder.path}/${n}`,
    })));
  await Promise.all(replicas.map((replica) => replica.ready()));
  const stack = starting.move();
  return {
    server,
    replicas,
    telegram: telegram.proxy,
    database: database.proxy,
    redis: redis.proxy,
    sql,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
