import { DevstackError } from './errors.ts';
import type { ServerKind } from './server-kinds.ts';
import type { RunningServer } from './servers.ts';

/** A server that somebody else runs: it can be used, and that is all. Does not connect to it. */
export function givenServer(kind: ServerKind, url: string): RunningServer {
  // A NATS URL may list several servers; the first one is as good as any.
  const { hostname, port } = new URL(url.split(',')[0] ?? url);
  const at = { host: hostname, port: port === '' ? kind.containerPort : Number(port) };
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new DevstackError(
      'not-ours',
      `cannot ${verb} ${kind.name} at ${at.host}:${at.port}: it was given by URL, so it is not ours to ${verb}`,
    );
  };
  return {
    ...at,
    url,
    source: 'urls',
    peer: at,
    kill: refuse('kill'),
    start: refuse('start'),
    pause: refuse('pause'),
    resume: refuse('resume'),
    stop: async () => {},
    logs: async () =>
      `(${kind.name} at ${at.host}:${at.port} was given by URL; its output is elsewhere)`,
    [Symbol.asyncDispose]: async () => {},
  };
}
