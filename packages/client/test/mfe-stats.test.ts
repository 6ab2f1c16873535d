import { describe, expect, it } from 'vitest';
import { errorOf } from './error-of.ts';
import { arriving, forwardingScene, G, manyFlows, S } from './forwarding-scene.ts';
import { clientStage } from './stage.ts';

const stage = clientStage();

describe('reportStats', () => {
  it('adds up in getMfeStats and mfeStats what each forwarder reported last', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await forwardingScene(mgm);
    await downstream.reportFlows([arriving(G, S), arriving(G, '10.0.0.2')]);
    const { incarnation } = await mgm.getMfe({ group: G, source: S });
    const entry = { group: G, source: S, incarnation };
    const oifs = [{ ifIndex: 3, outPackets: 6, outDiscards: 1 }];
    const counted = { ...entry, inPkts: 7, inOctets: 700, inHdrErrors: 1, oifs };
    expect(await downstream.reportStats([counted])).toBe(1);
    expect(await downstream.reportStats([counted])).toBe(1);
    expect(await owner.reportStats([{ ...entry, inPkts: 3, incarnation: 1 }])).toBe(0);
    expect(await owner.reportStats([{ ...entry, inPkts: 3 }])).toBe(1);
    const first = { group: G, source: S, inPkts: 10, inOctets: 700, oifs: [[3, '', 0, 0, 6, 1]] };
    const all = { ...first, inHdrErrors: 1, totalOutPackets: 6 };
    const few = await mgm.getMfeStats({ group: G, source: S }, { flags: 1 });
    expect(few).toMatchObject(first);
    expect(few).not.toHaveProperty('totalOutPackets');
    expect(await mgm.getMfeStats({ group: G, source: S })).toMatchObject(all);
    const listed = await Array.fromAsync(mgm.mfeStats({ limit: 1, flags: 2 }));
    expect(listed).toMatchObject([all, { source: '10.0.0.2', inPkts: 0, totalOutPackets: 0 }]);
    const after = await Array.fromAsync(mgm.mfeStats({ after: { group: G, source: S } }));
    expect(after).toMatchObject([{ source: '10.0.0.2' }]);
  });

  it('takes any number of entries and of outgoing interfaces', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(300));
    const mfes = await Array.fromAsync(mgm.mfes());
    const oifs = Array.from({ length: 1000 }, (_, at) => ({ ifIndex: 3 + at, outPackets: 1 }));
    const items = mfes.map(({ group, source, incarnation }, at) => ({
      ...{ group, source, incarnation, inPkts: 1 },
      ...(at === 7 && { oifs }),
    }));
    expect(await downstream.reportStats(items)).toBe(303);
    const [first] = await Array.fromAsync(mgm.mfeStats());
    expect(first).toMatchObject({ inPkts: 1, totalOutPackets: 0 });
    const { group = G, source = S } = mfes[7] ?? {};
    expect(await mgm.getMfeStats({ group, source })).toMatchObject({ totalOutPackets: 1000 });
  });

  it('refuses invalid counters, and getMfeStats an entry that does not exist', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    const wrong = { group: G, source: S, incarnation: 1, inPkts: -1 };
    expect(await errorOf(downstream.reportStats([wrong]))).toMatchObject({
      ...{ reason: 'bad-request', field: 'items[0][3]', outcome: 'not-done' },
    });
    expect(await errorOf(mgm.getMfeStats({ group: G, source: S }))).toMatchObject({
      ...{ reason: 'not-found', status: 1168, operation: 'mfe.stats' },
    });
    const flags = { flags: 3 as 2 };
    expect(await errorOf(mgm.getMfeStats({ group: G, source: S }, flags))).toMatchObject({
      ...{ reason: 'bad-request', field: 'flags' },
    });
  });
});

describe('reportWrongIf', () => {
  it('counts no hints where no owner asked for them, in requests of up to 64', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await forwardingScene(mgm);
    const arrived = Array.from({ length: 130 }, () => ({ ...arriving(G, S), count: 4 }));
    expect(await downstream.reportWrongIf(arrived)).toBe(0);
    const wrong = { ...arriving(G, S), count: 0 };
    expect(await errorOf(owner.reportWrongIf([...arrived, wrong]))).toMatchObject({
      ...{ reason: 'bad-request', field: 'items[130][4]', outcome: 'not-done' },
    });
  });
});
