import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startNats, type RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Bus, type BusState } from '../src/bus.ts';
import { hang } from './hang.ts';

const choice = inject('servers');
const SEEN_WITHIN_MS = 30_000;

/** A service without metadata and statistics. */
const BARE = { metadata: () => ({}), stats: () => Promise.resolve({}) };

/** A connection and all its states. */
function open(url: string): { bus: Bus; states: BusState[] } {
  const states: BusState[] = [];
  const onStateChange = (state: BusState): void => void states.push(state);
  const bus = new Bus({ ...BARE, url, name: 'test', version: '1.2.3', onStateChange });
  return { bus, states };
}

/** The first reported state of a connection to this address. */
async function firstState(url: string): Promise<BusState | undefined> {
  const { bus, states } = open(url);
  try {
    await eventually(() => expect(states).not.toEqual([]), { withinMs: SEEN_WITHIN_MS });
    return states[0];
  } finally {
    await bus.close();
  }
}

const waiting = (kind: string, reason: string) => ({
  kind: 'connecting',
  trouble: { kind, reason },
});

describe('the reported state of the connection', () => {
  it('if nothing listens on the port', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    expect(await firstState(url)).toEqual(waiting('unreachable', 'connection refused'));
  });

  it('if the host does not exist', async () => {
    expect(await firstState('nats://no-such-host.invalid:4222')).toEqual(
      waiting('unreachable', 'host not found'),
    );
  });

  describe('with a server of the test', () => {
    beforeEach((context) => {
      const isGiven = choice.nats.kind === 'given';
      context.skip(isGiven, 'a server given by URL has users and settings of its own');
    });

    it.each(['', 'worker:wrong@', 'token@'])(
      'if the server refuses the login of nats://%s…',
      async (credentials) => {
        await using nats = await startNats(choice, {
          args: ['--user', 'worker', '--pass', 'p@ss'],
        });
        expect(await firstState(`nats://${credentials}${nats.host}:${nats.port}`)).toEqual(
          waiting('refused', 'user, password or token refused'),
        );
      },
    );

    it('if user and password are given with any of the servers', async () => {
      await using nats = await startNats(choice, { args: ['--user', 'worker', '--pass', 'p@ss'] });
      const first = `nats://worker:p%40ss@127.0.0.1:${await freePort()}`;
      expect(await firstState(`${first},nats://${nats.host}:${nats.port}`)).toMatchObject({
        kind: 'ready',
        server: expect.stringMatching(/^nats \d+\.\d+\.\d+ at .*:\d+$/),
      });
    });

    it('if a token is given', async () => {
      await using nats = await startNats(choice, { args: ['--auth', 'geheim'] });
      expect(await firstState(`nats://geheim@${nats.host}:${nats.port}`)).toMatchObject({
        kind: 'ready',
      });
    });

    it('if the server offers no TLS', async () => {
      await using nats = await startNats(choice);
      expect(await firstState(`tls://${nats.host}:${nats.port}`)).toEqual(
        waiting('refused', 'the server offers no TLS'),
      );
    });

    it('reports a loss and the return once each', async () => {
      await using nats = await startNats(choice);
      const { bus, states } = open(nats.url);
      await bus.connected;
      await nats.kill();
      await eventually(() => expect(bus.state.kind).toBe('lost'), { withinMs: SEEN_WITHIN_MS });
      expect(await bus.reaches(100)).toBe(false);
      await nats.start();
      await eventually(() => expect(bus.state.kind).toBe('ready'), { withinMs: SEEN_WITHIN_MS });
      expect(await bus.reaches(1000)).toBe(true);
      await bus.close();
      expect(states.map(({ kind }) => kind)).toEqual(['ready', 'lost', 'ready', 'closed']);
      expect(states[1]).toMatchObject({
        trouble: { kind: 'unreachable', reason: `connection to ${nats.host}:${nats.port} lost` },
      });
    });

    it('gives up a server that hangs', async () => {
      await using nats = await startNats(choice);
      const { bus } = open(nats.url);
      await bus.connected;
      await hang(nats);
      expect(await bus.reaches(100)).toBe(false);
      await eventually(() => expect(bus.state.kind).toBe('lost'), { withinMs: SEEN_WITHIN_MS });
      await nats.resume();
      await eventually(() => expect(bus.state.kind).toBe('ready'), { withinMs: SEEN_WITHIN_MS });
      await bus.close();
    });
  });
});

describe('a NATS that denies', () => {
  beforeEach((context) => {
    const isProcess = choice.nats.kind === 'process';
    context.skip(!isProcess, 'permissions are set in a file, which only a process here can read');
  });

  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mgm-nats-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function startWith(permissions: string): Promise<RunningServer> {
    const path = join(folder, `${permissions.length}.conf`);
    const user = `{ user: manager, password: geheim, permissions: ${permissions} }`;
    await writeFile(path, `authorization { users = [ ${user} ] }`);
    return startNats(choice, { args: ['-c', path] });
  }

  it('a subscription to the inbox leaves requests unanswered, and is reported once', async () => {
    await using nats = await startWith('{ subscribe: { deny: ["_INBOX.>"] } }');
    const denied: string[] = [];
    const url = `nats://manager:geheim@${nats.host}:${nats.port}`;
    const onInboxDenied = (subject: string) => denied.push(subject);
    const bus = new Bus({ ...BARE, url, name: 'test', version: '1.2.3', onInboxDenied });
    await bus.connected;
    const ask = () => bus.request('mgm.v1.r1.ask.1', new Uint8Array(), SEEN_WITHIN_MS);
    expect(await ask()).toEqual({ kind: 'unanswered' });
    await eventually(() => expect(denied).toEqual([expect.stringMatching(/^_INBOX\.mgm-/)]), {
      withinMs: SEEN_WITHIN_MS,
    });
    expect(await ask()).toEqual({ kind: 'unanswered' });
    expect(denied).toHaveLength(1);
    expect(bus.state.kind).toBe('ready');
    await bus.close();
  });

  const endpoint = { name: 'take', subject: 'mgm.v1.*.take', handle: () => {} };

  it.each(['mgm.v1.*.take', '$SRV.PING'])(
    'a subscription to %s ends the manager',
    async (subject) => {
      await using nats = await startWith(`{ subscribe: { deny: ["${subject}"] } }`);
      const { bus, states } = open(`nats://manager:geheim@${nats.host}:${nats.port}`);
      await bus.connected;
      await bus.serve([endpoint]).catch(() => {});
      const failure = `it denies subscribing to ${subject}`;
      await eventually(() => expect(states.at(-1)).toEqual({ kind: 'closed', failure }), {
        withinMs: SEEN_WITHIN_MS,
      });
      await bus.close();
    },
  );

  it('publishing is reported once, with the subject', async () => {
    await using nats = await startWith('{ publish: { deny: ["_INBOX.>"] } }');
    const denied: string[] = [];
    const bus = new Bus({
      ...BARE,
      url: `nats://manager:geheim@${nats.host}:${nats.port}`,
      name: 'test',
      version: '1.2.3',
      onPublishDenied: (subject) => denied.push(subject),
    });
    await bus.connected;
    for (let at = 0; at < 10; at++) bus.publish(`_INBOX.${at}`, Buffer.from('x'));
    await bus.reaches(1000);
    await eventually(() => expect(denied).toEqual(['_INBOX.0']), { withinMs: SEEN_WITHIN_MS });
    expect(bus.state.kind).toBe('ready');
    await bus.close();
  });
});
