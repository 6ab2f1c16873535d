import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openArbiter, on, type Arbiter } from './arbiter.ts';

let primary: RunningServer;
let replica: RunningServer;

const ONE_REPLICA = { mode: 'replicated', replicas: 1, withinMs: 2_000 } as const;

beforeAll(async () => {
  const choice = inject('servers');
  primary = await startRedis(choice, { args: ['--repl-diskless-sync-delay', '0'] });
  const { host, port } = primary.peer;
  replica = await startRedis(choice, { args: ['--replicaof', host, String(port)] });
});
afterAll(async () => {
  await replica.stop();
  await primary.stop();
});

/** How many changes the server has counted. Its replication offset would not do: `WAIT` itself moves it on. */
async function changes({ link }: Arbiter): Promise<number> {
  const info = String(await link.command('INFO', 'persistence'));
  return Number(/^rdb_changes_since_last_save:(\d+)/m.exec(info)?.[1]);
}

// `WAIT` of a newer Redis covers only writes of its own connection.
it('writes something for each batch, also one of reads or repeats, and also when it is full', async () => {
  using arbiter = await openArbiter(primary, undefined, ONE_REPLICA);
  const client = await arbiter.client();
  const take = { ...client.next(), interfaces: [on(1)] };
  const granted = await arbiter.ask('take', take);
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
  for (const ask of [
    () => arbiter.ask('take', take),
    () => arbiter.ask('owner', { interface: on(1) }),
    () => arbiter.ask('head', {}),
  ]) {
    const before = await changes(arbiter);
    const reply = await ask();
    expect(await changes(arbiter)).toBeGreaterThan(before);
    if (reply.kind === 'granted') expect(reply).toEqual(granted);
  }
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
  const meta = `mgm:{${arbiter.router}}:meta`;
  expect(Number(await arbiter.link.command('PTTL', meta))).toBe(-1);
});

it('stores nothing for a router that is only read', async () => {
  using arbiter = await openArbiter(primary, undefined, ONE_REPLICA);
  expect(await arbiter.ask('owner', { interface: on(1) })).toEqual({ kind: 'free' });
  expect(await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`)).toEqual([]);
});
