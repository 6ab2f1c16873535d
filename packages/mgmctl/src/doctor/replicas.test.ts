import type { Replica } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { replicaFindings } from './replicas.ts';

function replica(name: string, fields: Partial<Replica> = {}): Replica {
  return {
    id: name,
    name,
    version: '1.2.0',
    startedAt: 0,
    requests: 0,
    answered: 0,
    failed: 0,
    meanMs: undefined,
    durability: 'durable',
    store: 'redis 7.4.2',
    trouble: [],
    storeClock: { aheadMs: 0.2, withinMs: 0.4 },
    ...fields,
  };
}

/** What is found, by what was looked at. */
function found(...replicas: readonly Replica[]) {
  return Object.fromEntries(replicaFindings(replicas).map((finding) => [finding.what, finding]));
}

describe('what replicas tell', () => {
  it('is well where all promise the same on one store', () => {
    const findings = found(replica('a'), replica('b'));
    expect(Object.keys(findings)).toEqual(['replicas', 'store', 'scripts', 'durability', 'clock']);
    expect(Object.values(findings).filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('is a failure where they promise different things', () => {
    expect(found(replica('a'), replica('b', { durability: 'memory' }))['durability']).toMatchObject(
      {
        state: 'failed',
        detail: 'the replicas promise different things: durable (a), memory (b)',
      },
    );
  });

  it('is a note where their versions differ, or their stores', () => {
    const findings = found(replica('a'), replica('b', { version: '1.3.0', store: 'redis 8.0.2' }));
    expect(findings['replicas']).toMatchObject({
      state: 'note',
      detail: 'versions differ: 1.2.0 (a), 1.3.0 (b)',
    });
    expect(findings['store']).toMatchObject({
      state: 'note',
      detail: 'redis 7.4.2 (a), redis 8.0.2 (b)',
    });
  });

  it('is a note where an older one tells nothing of its promise and its store', () => {
    const findings = found(replica('a', { durability: undefined, store: undefined }));
    expect(findings['durability']).toMatchObject({ state: 'note', mend: 'update them' });
    expect(findings['store']).toMatchObject({ detail: 'an unknown store, reached' });
  });

  it.each([
    [5_000, 3, 'note', "the store's is 5.0 s ahead of that of this machine, give or take 3 ms"],
    [-2_000, 3, 'note', "the store's is 2.0 s behind that of this machine, give or take 3 ms"],
    [1_200, 400, 'ok', "the store's is 1.2 s ahead of that of this machine, give or take 400 ms"],
    [-3, 5, 'ok', "the store's is that of this machine, give or take 5 ms"],
  ])('says of a clock %s ms off, within %s: %s', (aheadMs, withinMs, state, detail) => {
    const vague = replica('b', { storeClock: { aheadMs: 9_000, withinMs: 20_000 } });
    const clock = found(vague, replica('a', { storeClock: { aheadMs, withinMs } }))['clock'];
    expect(clock).toMatchObject({ state, detail });
  });

  it('lets no name steer the terminal', () => {
    const { replicas } = found(replica('a\u001b[31m'), replica('b'));
    expect(replicas?.detail).toBe('2 of version 1.2.0: a?[31m, b');
  });
});
