import { connect } from 'node:net';

/** What a NATS server tells every client at the start of a connection. */
export interface NatsInfo {
  readonly version: string;
  readonly serverName: string;
  /** The largest message, in bytes; `undefined` if the server does not tell. */
  readonly maxPayload: number | undefined;
}

const INFO = /^INFO (\{.*\})\s*$/m;
/** The longest first line that is read. */
const INFO_CHARS_MAX = 65_536;

/**
 * Reads the first line of a server, which it sends before any login.
 *
 * @throws Error if there is no answer within `withinMs`, or the answer is not from a NATS server
 */
export async function natsInfo(server: string, withinMs: number): Promise<NatsInfo> {
  const { hostname, port } = new URL(`nats://${server}`);
  const { promise, resolve, reject } = Promise.withResolvers<NatsInfo>();
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 4222) });
  const timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const [, json] = INFO.exec(text) ?? [];
    if (json !== undefined) resolve(infoOf(json));
    else if (text.length > INFO_CHARS_MAX || text.includes('\n')) reject(new Error(NO_NATS));
  });
  socket.once('error', reject).once('close', () => reject(new Error(NO_NATS)));
  return await promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

const NO_NATS = 'something answers, but it is not NATS';

function infoOf(json: string): NatsInfo {
  const info: unknown = JSON.parse(json);
  const [version, serverName] = [fieldOf(info, 'version'), fieldOf(info, 'server_name')];
  const maxPayload = fieldOf(info, 'max_payload');
  return {
    version: typeof version === 'string' ? version : '',
    serverName: typeof serverName === 'string' ? serverName : '',
    maxPayload: typeof maxPayload === 'number' ? maxPayload : undefined,
  };
}

function fieldOf(info: unknown, name: string): unknown {
  return typeof info === 'object' && info !== null ? Reflect.get(info, name) : undefined;
}
