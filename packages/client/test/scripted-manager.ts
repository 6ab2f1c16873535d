import { decodeMessage, encodeMessage, QUEUE_GROUP } from '@mgm/protocol';
import type { OperationName, WireMap } from '@mgm/protocol';
import { connect, type NatsConnection } from '@mgm/nats';

/** A received request. */
export interface Received {
  readonly operation: string;
  readonly fields: WireMap;
  readonly bytes: Uint8Array;
}

/** Returns the reply; `undefined` for none. */
export type Script = (
  received: Received,
  answer: (reply: object) => void,
) => object | undefined | void;

/** A manager whose replies the test defines, with a record of its requests. */
export interface ScriptedManager extends AsyncDisposable {
  readonly received: readonly Received[];
  of(operation: OperationName): Received[];
  /** The requests without repeated copies, which have the same bytes. */
  distinct(operation?: OperationName): Received[];
  script(operation: OperationName, script: Script): void;
  push(session: number, callback: object): void;
}

/** The default replies: everything succeeds. */
const PLAIN: { readonly [Name in OperationName]?: Script } = {
  register: () => ({
    handle: 'secret',
    session: 77,
    ttlMs: 10_000,
    graceMs: 0,
    mailbox: 0,
    resumed: false,
  }),
  keepalive: () => ({ ttlMs: 10_000, mailbox: 0 }),
  deregister: () => ({}),
  take: ({ fields }) => resultsFor(fields, (at) => ({ epoch: String(1_000 + at) })),
  release: ({ fields }) => resultsFor(fields, () => ({})),
  interfaces: () => ({ items: [], log: 'log-1' }),
  mailbox: () => ({ messages: [], head: 0 }),
};

function resultsFor(fields: WireMap, result: (at: number) => object): object {
  const { interfaces } = fields;
  if (!Array.isArray(interfaces)) return result(0);
  return { results: interfaces.map((_, at) => ({ status: 0, ...result(at) })) };
}

/** A refusal. */
export function refused(status: number, reason: string, detail: object = {}): object {
  return { status, error: 'ERROR', reason, message: `refused: ${reason}`, ...detail };
}

export async function scriptedManager(
  url: string,
  prefix = 'mgm.v1',
  login: { readonly user?: string; readonly pass?: string } = {},
): Promise<ScriptedManager> {
  const connection = await connect({ servers: url, ...login });
  const scripts = new Map<string, Script>(Object.entries(PLAIN));
  const received: Received[] = [];
  connection.subscribe(`${prefix}.>`, {
    queue: QUEUE_GROUP,
    callback: (_error, message) => {
      const operation = message.subject.split('.').slice(3).join('.');
      if (!message.reply) return;
      const decoded = decodeMessage(message.data);
      const one = {
        operation,
        fields: decoded.kind === 'message' ? decoded.value : {},
        bytes: message.data,
      };
      received.push(one);
      const answer = (reply: object): void => void message.respond(wire(reply));
      const reply = scripts.get(operation)?.(one, answer);
      if (reply) answer(reply);
    },
  });
  await connection.flush();
  return {
    received,
    of: (operation) => received.filter((one) => one.operation === operation),
    distinct: (operation) =>
      received.filter(
        (one, at) =>
          (operation === undefined || one.operation === operation) &&
          received.findIndex(({ bytes }) => Buffer.compare(bytes, one.bytes) === 0) === at,
      ),
    script: (operation, script) => void scripts.set(operation, script),
    push: (session, callback) => push(connection, `${prefix}.r1.callback.${session}`, callback),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function wire(reply: object): Uint8Array {
  return encodeMessage({ status: 0, rev: 1, ...reply });
}

function push(connection: NatsConnection, subject: string, callback: object): void {
  connection.publish(subject, encodeMessage({ ts: 1, ...callback }));
}
