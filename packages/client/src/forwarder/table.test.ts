import type { Mfe, MfeChange, MfeMessage } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/virtual-clock.ts';
import { TestPlane } from '../../test/test-plane.ts';
import { silentLogger } from '../options.ts';
import { ForwardingTable } from './table.ts';

const G = '239.1.1.1';

function mfe(source: string, incarnation: number, fields: Partial<Mfe> = {}): Mfe {
  return {
    ...{ group: G, source, incarnation, ifIndex: 1, nextHop: '', iifEpoch: '5', protocolId: 103 },
    ...{ session: 77, upMs: 0, expiresInMs: 900_000, timeoutMs: 900_000 },
    ...{ oifs: [[3, '']], oifCount: 1, foreignAlerted: false },
    ...fields,
  } as Mfe;
}

const set = (entry: Mfe): MfeChange => ['set', entry];
function end(from: string, incarnation: number): MfeChange {
  const { group, source } = mfe(from, incarnation);
  return ['del', group, source, incarnation, 'timeout'];
}
const message = (first: number, ...items: MfeChange[]): MfeMessage => ({
  ...{ first, last: first + items.length - 1, ts: 1, items },
});

/** A table that was read at revision 10, and its plane. */
async function opened(...entries: Mfe[]) {
  const plane = new TestPlane();
  const removed: string[] = [];
  const listener = { onRemoved: (key: string) => void removed.push(key), onReplaced: () => {} };
  const table = new ForwardingTable(plane, listener, new VirtualClock(), silentLogger);
  await table.replace(entries, 10, 'log-1');
  plane.calls.length = 0;
  return { plane, table, removed };
}

describe('the table of a forwarder', () => {
  it('applies each change once, whatever the pushes repeat', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 1));
    await table.apply(message(10, end('10.0.0.1', 1), set(mfe('10.0.0.2', 2))));
    await table.apply(message(11, set(mfe('10.0.0.2', 2)), end('10.0.0.2', 2)));
    expect([plane.calls, table.frev]).toEqual([['set 10.0.0.2 3', 'delete 10.0.0.2'], 12]);
    expect([...plane.installed.keys()]).toEqual(['10.0.0.1']);
  });

  it('ignores changes of lower incarnations and the end of unknown entries, and counts them', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 5));
    await table.apply(message(11, set(mfe('10.0.0.1', 4)), end('10.0.0.1', 4), end('10.0.0.9', 9)));
    expect([plane.calls, table.frev]).toEqual([[], 13]);
  });

  it('removes the former incarnation before it installs the next one', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 5));
    await table.apply(message(11, set(mfe('10.0.0.1', 6))));
    expect(plane.calls).toEqual(['delete 10.0.0.1', 'set 10.0.0.1 3']);
  });

  it('does not program an entry again that is forwarded as before', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 5));
    await table.apply(message(11, set(mfe('10.0.0.1', 5, { foreignAlerted: true }))));
    expect(plane.calls).toEqual([]);
    await table.apply(message(12, set(mfe('10.0.0.1', 5, { oifs: [] }))));
    expect(plane.calls).toEqual(['set 10.0.0.1 ']);
  });

  it('never installs an entry under a lower epoch than one seen, also after another log and a flush', async () => {
    const { plane, table } = await opened(
      mfe('10.0.0.1', 1, { iifEpoch: '100' as Mfe['iifEpoch'] }),
    );
    const outdated = { iifEpoch: '99' as Mfe['iifEpoch'] };
    await table.apply(message(11, set(mfe('10.0.0.2', 2, outdated))));
    await table.flush(new AbortController().signal);
    await table.replace([mfe('10.0.0.3', 3, outdated)], 1, 'log-2');
    await table.apply(message(2, set(mfe('10.0.0.4', 4, { ...outdated, ifIndex: 2 }))));
    await table.add([mfe('10.0.0.5', 5, outdated)], () => false);
    expect([...plane.installed.keys()]).toEqual(['10.0.0.4']);
    expect(table.frev).toBe(2);
  });

  it('replaces its entries by a listing, and keeps what is forwarded as before', async () => {
    const { plane, table, removed } = await opened(mfe('10.0.0.1', 1), mfe('10.0.0.2', 2));
    await table.replace([mfe('10.0.0.2', 2), mfe('10.0.0.3', 3)], 20, 'log-1');
    expect(plane.calls).toEqual(['delete 10.0.0.1', 'set 10.0.0.3 3']);
    expect([removed, table.frev]).toEqual([[`10.0.0.1,${G}`], 20]);
  });

  it('takes an entry of a reply only if nothing newer is known of it', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 5, { oifs: [] }));
    await table.add([mfe('10.0.0.1', 5), mfe('10.0.0.2', 6), mfe('10.0.0.3', 7)], (key) =>
      key.startsWith('10.0.0.3'),
    );
    expect(plane.calls).toEqual(['set 10.0.0.2 3']);
    expect(table.frev).toBe(10);
  });

  it('goes on when one entry fails, and tries it again', async () => {
    const { plane, table } = await opened();
    plane.full.add('10.0.0.1');
    await table.apply(message(11, set(mfe('10.0.0.1', 1)), set(mfe('10.0.0.2', 2))));
    expect([[...plane.installed.keys()], table.failed, table.frev]).toEqual([['10.0.0.2'], 1, 12]);
    await table.retry();
    expect(table.failed).toBe(1);
    plane.full.clear();
    await table.retry();
    expect([[...plane.installed.keys()], table.failed]).toEqual([['10.0.0.2', '10.0.0.1'], 0]);
  });

  it('a flush overtakes changes that wait', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 1));
    const waiting = table.apply(message(11, set(mfe('10.0.0.2', 2)), set(mfe('10.0.0.3', 3))));
    const next = table.apply(message(13, set(mfe('10.0.0.4', 4))));
    await table.flush(new AbortController().signal);
    await Promise.all([waiting, next]);
    expect([plane.calls.at(-1), table.size, table.frev]).toEqual(['flush', 0, undefined]);
  });

  it('repeats a flush until the plane succeeds', async () => {
    const { plane, table } = await opened(mfe('10.0.0.1', 1));
    const ended = new AbortController();
    const flush = plane.flush.bind(plane);
    plane.flush = () => {
      ended.abort();
      plane.flush = flush;
      throw new Error('busy');
    };
    await table.flush(ended.signal);
    expect([plane.flushes, table.size]).toEqual([0, 0]);
    await table.flush(new AbortController().signal);
    expect(plane.flushes).toBe(1);
  });
});
