import { randomBytes } from 'node:crypto';
import { decodeMessage, encodeMessage, type OperationName } from '@mgm/protocol';
import { loadConfig, startManager, type Manager } from '@mgm/manager';
import { managerEnv, newRouterName, type TestServers } from '@mgm/test-support';
import { connect, type NatsConnection } from '@mgm/nats';
import pino, { type Logger } from 'pino';

/** The maximum, so that no session expires in a test that is not about leases, however busy the machine is. */
const UNHURRIED_TTL_MS = 300_000;

/** A line of log, as written. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps what it is given. */
export function keptLog(level = 'info'): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const formatters = { level: (label: string) => ({ level: label }) };
  const write = (line: string): void => void lines.push(JSON.parse(line));
  return { log: pino({ level, formatters }, { write }), lines };
}

export type Urls = {
  readonly [server in keyof Omit<TestServers, symbol>]: { readonly url: string };
};
export type Env = Readonly<Record<string, string>>;

/** A manager inside this process and what it logged. */
export async function manage(
  servers: Urls,
  env: Env = {},
): Promise<{ manager: Manager; lines: LogLine[] }> {
  const { log, lines } = keptLog();
  const manager = await startManager(loadConfig(managerEnv(servers, env)), { log });
  return { manager, lines };
}

/** A reply, decoded and unchecked. */
export interface RawReply {
  readonly status: number;
  readonly rev: number;
  readonly reason?: string;
  readonly field?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly [field: string]: unknown;
}

/** A worker's end of one router, of a name that nothing else uses. */
export class Worker implements AsyncDisposable {
  readonly nats: NatsConnection;
  readonly router: string;

  constructor(nats: NatsConnection, router: string) {
    this.nats = nats;
    this.router = router;
  }

  static async connect(servers: Urls, router = newRouterName()): Promise<Worker> {
    const options = { servers: servers.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 };
    return new Worker(await connect(options), router);
  }

  /** The same worker on another router. */
  on(router: string): Worker {
    return new Worker(this.nats, router);
  }

  subject(tail: string): string {
    return `mgm.v1.${this.router}.${tail}`;
  }

  /** Sends bytes and gives the reply. Rejects where none comes. */
  async send(operation: OperationName, bytes: Uint8Array, timeout = 5_000): Promise<RawReply> {
    return replyIn((await this.nats.request(this.subject(operation), bytes, { timeout })).data);
  }

  ask(operation: OperationName, fields: object, timeout?: number): Promise<RawReply> {
    return this.send(operation, encodeMessage({ ...fields }), timeout);
  }

  /** Registers a routing protocol, with the longest lease by default; `handle` of the reply is what other requests need. */
  register(fields: object = {}): Promise<RawReply> {
    const instance = randomBytes(12).toString('hex');
    const client = { protocolId: 0x67, componentId: 1, instance, ttlMs: UNHURRIED_TTL_MS };
    return this.ask('register', { ...client, ...fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nats.close();
  }
}

/** A reply of any length, as the bytes hold it. */
export function replyIn(bytes: Uint8Array): RawReply {
  const decoded = decodeMessage(bytes, 8 * 1024 * 1024, 16);
  if (decoded.kind === 'malformed') throw new Error(`the reply ${decoded.fault}`);
  return decoded.value as RawReply;
}
