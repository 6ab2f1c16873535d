import type { Replica } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { Output } from '../output/output.ts';
import { show } from './doctor.ts';
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
    identity: 'subject',
    schema: 4,
    store: 'redis 7.4.2',
    storeId: 'id-1',
    trouble: [],
    storeClock: { aheadMs: 0.2, withinMs: 0.4 },
    ...fields,
  };
}

/** The findings by the thing checked. */
function found(...replicas: readonly Replica[]) {
  return Object.fromEntries(replicaFindings(replicas).map((finding) => [finding.what, finding]));
}

describe('the findings about replicas', () => {
  it('are all ok if they have the same durability and store', () => {
    const findings = found(replica('a'), replica('b'));
    expect(Object.keys(findings)).toEqual([
      'replicas',
      'schema',
      'store',
      'scripts',
      'durability',
      'identities',
      'clock',
    ]);
    expect(Object.values(findings).filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('are a failure if the durability differs', () => {
    expect(found(replica('a'), replica('b', { durability: 'memory' }))['durability']).toMatchObject(
      {
        state: 'failed',
        detail: 'the replicas have different durability: durable (a), memory (b)',
      },
    );
  });

  it('are a failure if replicas use different stores', () => {
    const findings = found(replica('a'), replica('b', { storeId: 'id-2' }));
    expect(findings['one store']).toMatchObject({
      state: 'failed',
      detail: 'the replicas use different stores: id-1 (a), id-2 (b)',
      mend: expect.stringContaining('MGM_KEY_PREFIX'),
    });
    const older = found(replica('a'), replica('b', { storeId: undefined }));
    expect(older).not.toHaveProperty('one store');
  });

  it('are a note if versions or stores differ', () => {
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

  it('are a note if managers read data of different schemas', () => {
    const older = replica('b', { schema: undefined });
    expect(found(replica('a'), older)['schema']).toMatchObject({
      state: 'note',
      detail: 'managers differ: 4 (a), not reported (b)',
      mend: expect.stringContaining('replace the older managers'),
    });
    const newer = found(replica('a'), replica('b', { schema: 5 }))['schema'];
    expect(newer).toMatchObject({ state: 'note', detail: 'managers differ: 4 (a), 5 (b)' });
    expect(found(older)).not.toHaveProperty('schema');
  });

  it('are a failure if a manager met data of a newer schema, whatever else is wrong with it', () => {
    const behind = replica('b', { schema: undefined, trouble: ['schema', 'redis: lost'] });
    const findings = found(replica('a'), behind);
    expect(findings['schema']).toMatchObject({
      state: 'failed',
      detail: 'routers have data of a newer schema than these managers read: b',
      mend: 'replace 1 manager of 2 by the newer version',
    });
    expect(findings['store']).toMatchObject({ state: 'failed', detail: 'b: redis: lost' });
    const onlySchema = found(replica('a'), replica('b', { trouble: ['schema'] }));
    expect(onlySchema['store']).toMatchObject({ state: 'ok' });
  });

  it('are a failure if they identify callers differently, a note if they do not', () => {
    const mixed = found(replica('a'), replica('b', { identity: 'none' }))['identities'];
    expect(mixed).toMatchObject({
      state: 'failed',
      detail: 'the replicas differ in MGM_IDENTITY: subject (a), none (b)',
    });
    const none = found(replica('a', { identity: 'none' }))['identities'];
    expect(none).toMatchObject({ state: 'note', mend: 'MGM_IDENTITY=subject tells callers apart' });
    expect(found(replica('a', { identity: undefined }))).not.toHaveProperty('identities');
  });

  it('are a note if an older replica does not report its durability and store', () => {
    const findings = found(replica('a', { durability: undefined, store: undefined }));
    expect(findings['durability']).toMatchObject({ state: 'note', mend: 'update them' });
    expect(findings['store']).toMatchObject({ detail: 'an unknown store, reached' });
  });

  it.each([
    [5_000, 3, 'note', 'the store is 5.0 s ahead of this machine, within 3 ms'],
    [-2_000, 3, 'note', 'the store is 2.0 s behind this machine, within 3 ms'],
    [1_200, 400, 'ok', 'the store is 1.2 s ahead of this machine, within 400 ms'],
    [-3, 5, 'ok', 'store and this machine agree within 5 ms'],
  ])('report a clock %s ms off, within %s, as %s', (aheadMs, withinMs, state, detail) => {
    const vague = replica('b', { storeClock: { aheadMs: 9_000, withinMs: 20_000 } });
    const clock = found(vague, replica('a', { storeClock: { aheadMs, withinMs } }))['clock'];
    expect(clock).toMatchObject({ state, detail });
  });

  it('contain no control character from a name', () => {
    const [finding] = replicaFindings([replica('a\u001b[31m'), replica('b')]);
    let shown = '';
    const write = (text: string): string => (shown += text);
    const out = new Output({ write, writeError: write }, { json: false, colors: false });
    if (finding) show(finding, out);
    expect(shown).toBe('ok    replicas     2 of version 1.2.0: a?[31m, b\n');
  });
});
