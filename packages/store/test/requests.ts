import { eventually } from '@mgm/test-support';
import { expect } from 'vitest';
import type { BatchReply } from '../src/batch-reply.ts';
import type { ArbiterArgs, FibItem, Mfe } from '../src/generated/arbiter.ts';
import { on, type Arbiter, type TestClient } from './arbiter.ts';

/** The names of 10.0.0.0/8, and of 10.1.0.0/16 in it. */
export const [WIDE, NARROW] = ['40a00000008', '40a01000010'];
/** The names of (*, 224.0.0.1), and of (10.1.2.3, 224.0.0.1); scripts do not judge groups. */
export const GROUP = '4e0000001';
export const FLOW = `${GROUP}0a010203`;

/** The names of up to 256 flows of the group, from sources in 10.1.2.0/24. */
export function flowNames(count: number): string[] {
  const last = (at: number) => at.toString(16).padStart(2, '0');
  return Array.from({ length: count }, (_, at) => `${GROUP}0a0102${last(at)}`);
}

/** The changes of forwarding entries in a batch. */
export function fibChanges({ view }: BatchReply): FibItem[] {
  return view.fib.flatMap(({ items }) => items);
}

/** Requests that tests of memberships and forwarding entries share, to the arbiter of the present test. */
export function requestsTo(arbiter: () => Arbiter) {
  const key = (name: string) => `mgm:{${arbiter().router}}:${name}`;

  const take = (client: TestClient, ...numbers: number[]) =>
    arbiter().ask('take', { ...client.next(), interfaces: numbers.map((number) => on(number)) });

  const release = (client: TestClient, number: number) =>
    arbiter().ask('release', { ...client.next(), interfaces: [on(number)], epoch: '' });

  /** Changes memberships, or overrides, on one interface. `code`: see lua/lib/member_change.lua. */
  function change(
    operation: 'member_add' | 'member_delete',
    client: TestClient,
    number: number,
    entries: readonly string[],
    code = 0,
  ) {
    const { handle, seq, ack } = client.next();
    const interfaces = entries.map(() => on(number));
    const codes = entries.map(() => code);
    const elements = { interfaces, entries: [...entries], codes, single: entries.length === 1 };
    return arbiter().decide(operation, { handle, seq, ack, epoch: '', ...elements });
  }

  const join = (client: TestClient, number: number, ...entries: string[]) =>
    change('member_add', client, number, entries);

  const leave = (client: TestClient, number: number, ...entries: string[]) =>
    change('member_delete', client, number, entries);

  /** Sets a route, as of PIM. */
  function route(client: TestClient, prefix: string, number: number, neighbour = '') {
    const { handle, seq, ack } = client.next();
    return arbiter().ask('rib_set', {
      ...{ handle, seq, ack, prefixes: [prefix], faults: [''], via: [`${number}:`] },
      ...{ neighbours: [neighbour], protocols: [103], preferences: [100] },
    });
  }

  function noRoute(client: TestClient, prefix: string) {
    const { handle, seq, ack } = client.next();
    return arbiter().ask('rib_delete', { handle, seq, ack, prefixes: [prefix], faults: [''] });
  }

  /** Reports new flows, without questions to any client. */
  const flow = ({ handle }: TestClient, ...names: string[]) =>
    arbiter().decide('flow_new', { handle, names, asks: false, silent: [] });

  /** The forwarding entry of this name, which must exist. */
  async function present(name = FLOW): Promise<Mfe> {
    const reply = await arbiter().ask('mfe_get', { name });
    if (reply.kind !== 'found') throw new Error(`no MFE ${name}: ${reply.kind}`);
    return reply.mfe;
  }

  const sweep = (fields: Partial<ArbiterArgs['sweep']> = {}) =>
    arbiter().decide('sweep', { most: 48, mostEntries: 48, servingMs: 3_600_000, ...fields });

  /** Sweeps until nothing is outstanding. Resolves with the changes of forwarding entries. */
  async function settled(withinMs = 3_000): Promise<FibItem[]> {
    const changes: FibItem[] = [];
    await eventually(
      async () => {
        const { batch } = await sweep();
        changes.push(...fibChanges(batch));
        expect(batch.view.isUnsettled || batch.members.isUnsettled).toBe(false);
      },
      { withinMs, everyMs: 1 },
    );
    return changes;
  }

  /** All alerts in the mailbox of a session. */
  async function alertsOf({ handle }: TestClient) {
    const reply = await arbiter().ask('mailbox', { handle, after: 0, limit: 1000 });
    if (reply.kind !== 'messages') throw new Error(reply.kind);
    return reply.entries.flatMap(({ alerts }) => alerts);
  }

  const evict = (session: number) =>
    arbiter().ask('admin_evict', { session, actor: 'a test', why: 'a test' });

  /** Lets the lease of a client be over; no sweep has noticed. */
  async function lapse({ handle }: TestClient): Promise<void> {
    const script = `
      local fields = { cmsgpack.unpack(redis.call('HGET', KEYS[1], 'record')) }
      fields[11] = fields[11] - 100000
      redis.call('HSET', KEYS[1], 'record', cmsgpack.pack(unpack(fields)))`;
    await arbiter().link.command('EVAL', script, '1', key(`client:${handle.client}`));
  }

  return {
    ...{ key, take, release, change, join, leave, route, noRoute },
    ...{ flow, present, sweep, settled, alertsOf, evict, lapse },
  };
}
