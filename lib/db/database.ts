/**
 * One driver for both databases: PostgreSQL by its URL, or the embedded one
 * through its socket. Every query runs in a transaction of its own.
 */
import postgres, { type Sql, type TransactionSql } from "postgres";
import { type EmbeddedDatabase, openEmbedded } from "./embedded.ts";
import { isLostSocket, surviveLostSockets } from "./lost_socket.ts";
import { migrate } from "./migrate.ts";
import { type Queries, queries } from "./queries.ts";

const POOL_SIZE = 10;
const CONNECT_TIMEOUT_S = 5;
const CLOSE_TIMEOUT_S = 2;
const STATEMENT_TIMEOUT_MS = 30_000;

export interface DatabaseOptions {
  /** A PostgreSQL server; without it the embedded database in `directory` is used. */
  url?: string | undefined;
  directory: string;
  /** Called when the embedded database must first be created, which takes seconds. */
  onCreate?: () => void;
}

export type QueryName = keyof Queries;
export type QueryBody<Q extends QueryName> = Parameters<Queries[Q]>[1];
export type QueryReply<Q extends QueryName> = Awaited<ReturnType<Queries[Q]>>;

export interface Database {
  readonly kind: "postgres" | "pglite";
  /** The driver, for engines that bring their own SQL. Usable once connected. */
  readonly sql: Sql;
  /** Connects, or finds the connection still there; gives the server's name and version. */
  connect(): Promise<string>;
  migrate(): Promise<number>;
  /**
   * Runs one query as one transaction: committed when it succeeds, rolled back
   * when it fails or `signal` aborts before its end.
   */
  run<Q extends QueryName>(
    query: Q,
    body: QueryBody<Q>,
    signal: AbortSignal,
  ): Promise<QueryReply<Q>>;
  close(): Promise<void>;
}

export function createDatabase({ url, directory, onCreate = () => {} }: DatabaseOptions): Database {
  let embedded: EmbeddedDatabase | undefined;
  let sql: Sql | undefined;
  const kind = url === undefined ? "pglite" : "postgres";
  surviveLostSockets();

  return {
    kind,
    get sql() {
      if (sql === undefined) throw new Error("Cannot query the database as it is not connected");
      return sql;
    },
    async connect() {
      if (sql === undefined) {
        if (url === undefined) embedded ??= await openEmbedded(directory, onCreate);
        sql = url === undefined
          // One connection: the embedded server has one session, which connections would share.
          ? postgres({ ...OPTIONS, path: embedded?.socketPath ?? "", user: "postgres", max: 1 })
          : postgres(url, { ...OPTIONS, max: POOL_SIZE, connection: SESSION });
      }
      const [row] = await sql<
        { version: string }[]
      >`select current_setting('server_version') as version`;
      const version = row?.version.split(" ")[0] ?? "of unknown version";
      return `PostgreSQL ${version}${kind === "pglite" ? " (embedded)" : ""}`;
    },
    migrate() {
      return migrate(this.sql);
    },
    async run<Q extends QueryName>(
      query: Q,
      body: QueryBody<Q>,
      signal: AbortSignal,
    ): Promise<QueryReply<Q>> {
      signal.throwIfAborted();
      // A query's name, body and result belong together, which the compiler cannot see.
      const execute = queries[query] as (tx: TransactionSql, body: unknown) => Promise<unknown>;
      // Wrapped, since the driver would wait for every query in an array that it is given.
      const { result } = await this.sql.begin(async (tx) => {
        const result = await execute(tx, body);
        signal.throwIfAborted();
        return { result };
      });
      return result as QueryReply<Q>;
    },
    async close() {
      await sql?.end({ timeout: CLOSE_TIMEOUT_S });
      sql = undefined;
      await embedded?.close();
      embedded = undefined;
    },
  };
}

const SESSION = { application_name: "document-assistant", statement_timeout: STATEMENT_TIMEOUT_MS };

const OPTIONS = {
  connect_timeout: CONNECT_TIMEOUT_S,
  // The DbActor decides when to try again.
  backoff: () => 0,
  onnotice: () => {},
  types: {
    // Telegram's ids have at most 52 bits, which a number holds.
    bigint: { to: 20, from: [20], parse: Number, serialize: String },
    // Values that are JSON text already, as the queue's are, pass through as they are.
    json: {
      to: 114,
      from: [114, 3802],
      parse: JSON.parse,
      serialize: (value: unknown) => typeof value === "string" ? value : JSON.stringify(value),
    },
  },
};

const LOST_CODES: ReadonlySet<unknown> = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "57P01", // the administrator ends the session
  "57P02",
  "57P03", // the server is starting up
]);

/** Whether `error` says that the connection is gone, rather than that a query was wrong. */
export function isConnectionLost(error: unknown): boolean {
  if (isLostSocket(error)) return true;
  return error instanceof Error && "code" in error && LOST_CODES.has(error.code);
}
