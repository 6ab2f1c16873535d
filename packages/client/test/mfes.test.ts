import { describe, expect, it } from 'vitest';
import { errorOf } from './error-of.ts';
import { arriving, forwardingScene, G, S } from './forwarding-scene.ts';
import { clientStage, PIM } from './stage.ts';

const stage = clientStage();
describe('reportFlows', () => {
  it('creates entries, in requests of up to 256, with one result per flow in order', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    const many = Array.from({ length: 600 }, (_, at) =>
      arriving('239.2.0.1', `10.1.${at >> 8}.${at & 255}`),
    );
    const results = await downstream.reportFlows([
      { ...arriving(G, S), header: new Uint8Array(20) },
      ...many,
      arriving('224.0.0.5', S),
      arriving('239.0.0.1', '239.0.0.2'),
      arriving(G, S),
    ]);
    expect(results).toHaveLength(604);
    expect(results[0]).toMatchObject({
      ...{ state: 'installed', mfe: { group: G, source: S, oifs: [[3, '']] } },
    });
    expect(results.slice(1, 601)).toMatchObject(
      many.map(({ source }) => ({ state: 'negative', mfe: { source, oifs: [] } })),
    );
    expect(results.slice(601)).toMatchObject([
      { state: 'local' },
      { state: 'refused', reason: 'bad-request', field: 'source' },
      { state: 'known' },
    ]);
  });

  it('refuses a flow without a valid interface and creates nothing', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    const flows = Array.from({ length: 300 }, () => arriving(G, S));
    const wrong = { ...arriving(G, S), ifIndex: 0 };
    expect(await errorOf(downstream.reportFlows([...flows, wrong]))).toMatchObject({
      ...{ reason: 'bad-request', field: 'flows[300][2]', outcome: 'not-done' },
    });
    expect(await Array.fromAsync(mgm.mfes())).toEqual([]);
  });

  it('is refused when the session is over', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.deregister({ force: true });
    expect(await errorOf(downstream.reportFlows([]))).toMatchObject({
      ...{ reason: 'session-lost', outcome: 'not-done' },
    });
  });
});

describe('getMfe', () => {
  it('reads one entry, and rejects where there is none', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await forwardingScene(mgm);
    await downstream.reportFlows([arriving(G, S)]);
    const mfe = await mgm.getMfe({ group: G, source: 0x0a000001 });
    expect(mfe).toMatchObject({
      ...{ group: G, source: S, ifIndex: 1, nextHop: '', oifs: [[3, '']], oifCount: 1 },
      ...{ protocolId: PIM, session: owner.id, upstream: '10.9.9.9', foreignAlerted: true },
    });
    expect(mfe.upMs + mfe.expiresInMs).toBe(mfe.timeoutMs);
    expect(await errorOf(mgm.getMfe({ group: G, source: '10.0.0.2' }))).toMatchObject({
      ...{ reason: 'not-found', status: 1168, outcome: 'not-done', operation: 'mfe.get' },
    });
    expect(await errorOf(mgm.getMfe({ group: '', source: S }))).toMatchObject({
      ...{ reason: 'bad-request', field: 'group' },
    });
  });
});

describe('mfes', () => {
  it('lists all entries in order, over pages, and those after an (s,g)', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    const sources = ['10.0.0.9', '10.0.0.10', '10.0.0.2'];
    await downstream.reportFlows([
      ...sources.map((source) => arriving(G, source)),
      { group: 'ff0e::1', source: '2001:db8::1', ifIndex: 1 },
    ]);
    const listed = async (filter = {}) =>
      (await Array.fromAsync(mgm.mfes({ limit: 1, ...filter }))).map(({ source }) => source);
    const inOrder = ['10.0.0.2', '10.0.0.9', '10.0.0.10', '2001:db8::1'];
    expect(await listed()).toEqual(inOrder);
    expect(await listed({ after: { group: G, source: '10.0.0.5' } })).toEqual(inOrder.slice(1));
    const pages = await Array.fromAsync(mgm.mfePages({ limit: 3 }));
    expect(pages.map(({ items, frev }) => [items.length, frev])).toEqual([
      [3, 4],
      [1, 4],
    ]);
  });
});

describe('setMfe', () => {
  it('sets the upstream router and the life of an entry', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await forwardingScene(mgm);
    await downstream.reportFlows([arriving(G, S)]);
    const entry = { group: G, source: S };
    const { incarnation, iifEpoch: epoch } = await mgm.getMfe(entry);
    expect(await owner.setMfe({ ...entry, upstream: '10.8.8.8', epoch })).toBe(2);
    await owner.setMfe({ ...entry, timeoutMs: 600_000, incarnation });
    expect(await mgm.getMfe(entry)).toMatchObject({ upstream: '10.8.8.8', timeoutMs: 600_000 });
    const refused: [object, object][] = [
      [{ timeoutMs: 600_000 }, { reason: 'bad-request', field: 'incarnation' }],
      [
        { timeoutMs: 1, incarnation },
        { reason: 'bad-request', field: 'timeoutMs' },
      ],
      [
        { upstream: '', incarnation: 1 },
        { reason: 'not-found', status: 1168 },
      ],
      [
        { upstream: '', epoch: '1' },
        { reason: 'not-owner', current: epoch },
      ],
      [{ source: '10.0.0.2' }, { reason: 'not-found', operation: 'mfe.set' }],
    ];
    for (const [settings, expected] of refused) {
      expect(await errorOf(owner.setMfe({ ...entry, ...settings }))).toMatchObject(expected);
    }
    expect(await errorOf(downstream.setMfe({ ...entry, upstream: '' }))).toMatchObject({
      ...{ reason: 'not-owner', outcome: 'not-done', holder: { session: owner.id } },
    });
    const signal = AbortSignal.abort();
    expect(await errorOf(owner.setMfe({ ...entry, upstream: '' }, { signal }))).toMatchObject({
      ...{ reason: 'aborted', outcome: 'not-done' },
    });
    await owner.deregister({ force: true });
    expect(await errorOf(owner.setMfe(entry))).toMatchObject({ reason: 'session-lost' });
  });
});
