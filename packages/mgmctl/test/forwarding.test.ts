import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { checkAgents, type AgentReader } from '../src/doctor/agents.ts';
import { IGMP, mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

const SOURCE = '10.1.2.3';

/** PIM on 7, the interface towards the sources, and on 9; a receiver on 9, and entries for two flows. */
async function forwarding() {
  const router = await stage.router();
  const pim = await router.register(PIM, 'pim-1');
  const igmp = await router.register(IGMP, 'igmp-1');
  await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 9 }]);
  await igmp.takeInterfaces([{ ifIndex: 9 }]);
  await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 7, neighbour: '10.0.0.254' }]);
  await igmp.addGroupMembershipEntries([{ ifIndex: 9, group: '239.1.1.1' }]);
  await pim.reportFlows([
    { group: '239.1.1.1', source: SOURCE, ifIndex: 7 },
    { group: '239.2.2.2', source: SOURCE, ifIndex: 7 },
  ]);
  return Object.assign(router, { pim });
}

describe('mgmctl mfe', () => {
  it('lists each forwarding entry with its interfaces and owner', async () => {
    await using router = await forwarding();
    const { code, stdout, stderr } = await router.run(['mfe']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout.trimEnd().split('\n');
    expect(rows.map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['GROUP', 'SOURCE', 'IN', 'OUT', 'OWNER'],
      ['239.1.1.1', SOURCE, '7', '9', 'PIM'],
      ['239.2.2.2', SOURCE, '7', 'none', 'PIM'],
    ]);
  });

  it('lists only the entries of a group or of a source', async () => {
    await using router = await forwarding();
    const { stdout } = await router.run(['mfe', '--group', '239.2.2.2', '--json']);
    expect(objects(stdout)).toMatchObject([{ group: '239.2.2.2', source: SOURCE, oifs: [] }]);
    const none = await router.run(['mfe', '--source', '192.0.2.1']);
    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toContain('no forwarding entry matches the filter');
  });

  it('shows one entry in full, as text and for programs', async () => {
    await using router = await forwarding();
    const args = ['mfe', '--group', '239.1.1.1', '--source', SOURCE];
    const { stdout } = await router.run(args);
    expect(stdout).toMatch(/^upstream +10\.0\.0\.254$/m);
    expect(stdout).toMatch(/^out +9$/m);
    const { stdout: json } = await router.run([...args, '--json']);
    const mfe = await router.mgm.getMfe({ group: '239.1.1.1', source: SOURCE });
    const steady = { upMs: expect.any(Number), expiresInMs: expect.any(Number) };
    expect(objects(json)).toEqual([{ ...mfe, ...steady }]);
  });

  it('shows counters with --stats, of all entries and in full of one', async () => {
    await using router = await forwarding();
    const flow = { group: '239.1.1.1', source: SOURCE };
    const { incarnation } = await router.mgm.getMfe(flow);
    const oifs = [{ ifIndex: 9, outPackets: 6, outDiscards: 1, ttlTooLow: 2 }];
    const counters = { inPkts: 9, inOctets: 900, inHdrErrors: 3 };
    await router.pim.reportStats([{ ...flow, incarnation, ...counters, oifs }]);
    const { code, stdout, stderr } = await router.run(['mfe', '--stats', '-o', 'wide']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout.trimEnd().split('\n');
    expect(rows.map((line) => line.trimEnd().split(/ {2,}/).slice(-2))).toEqual([
      ['PACKETS', 'BYTES'],
      ['9', '900'],
      ['0', '0'],
    ]);
    const json = await router.run(['mfe', '--stats', '--json']);
    const listed = { ...counters, oifs: [[9, '', 2, 0, 6, 1]], totalOutPackets: 6 };
    expect(objects(json.stdout)).toMatchObject([listed, { inPkts: 0, oifs: [] }]);
    const args = ['mfe', '--group', '239.1.1.1', '--source', SOURCE, '--stats'];
    const one = await router.run(args);
    for (const line of [
      ...[/^packets +9$/m, /^bytes +900$/m, /^sent +6$/m, /^header errors +3$/m],
      /^over 9 +6 sent, 1 discarded, 2 with a TTL too low$/m,
    ]) {
      expect(one.stdout).toMatch(line);
    }
    expect(one.stdout).not.toMatch(/^queue overflow/m);
    expect(objects((await router.run([...args, '--json'])).stdout)).toMatchObject([listed]);
  });

  it('ends with code 4 and says what to do if there is no such entry', async () => {
    await using router = await forwarding();
    const args = ['mfe', '--group', '239.9.9.9', '--source', SOURCE];
    const { code, stderr } = await router.run(args);
    expect(code).toBe(4);
    expect(stderr).toContain(`there is no forwarding entry for (${SOURCE}, 239.9.9.9)`);
  });

  it.each([
    [['mfe', '--group', '*'], 'a forwarding entry has no wildcard'],
    [['mfe', '--group', '10.0.0.1'], '--group'],
    [['mfe', '--source', 'x'], '--source'],
    [['mfe', '--columns', 'packets'], 'the column packets is only shown with --stats'],
    [['mfe', '--stats', '--columns', 'failed'], 'the column failed is not shown with --stats'],
  ])('refuses wrong usage: %j', async (args, text) => {
    await using router = await stage.router();
    const { code, stderr } = await router.run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});

/** A forwarder that has programmed everything but the first flow. */
async function withAgent() {
  const router = await forwarding();
  const agent = await router.register(PIM, 'forwarder-1');
  const { frev } = (await router.mgm.mfePages().next()).value ?? {};
  if (frev === undefined) throw new Error('no page of forwarding entries');
  const report = async (programmed: number): Promise<void> => {
    agent.reportProgrammed(programmed);
    await eventually(
      async () =>
        expect(await Array.fromAsync(router.mgm.agents())).toMatchObject([{ frev: programmed }]),
      { withinMs: 30_000 },
    );
  };
  return Object.assign(router, { agent, frev, report });
}

describe('mgmctl agents', () => {
  it('says that there are none, which is no failure', async () => {
    await using router = await forwarding();
    const { code, stdout, stderr } = await router.run(['agents']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain(`no forwarder agents on router ${router.name}`);
  });

  it('lists how far each is behind, and how many entries it could not program', async () => {
    await using router = await withAgent();
    await router.report(router.frev - 1);
    const { stdout: json } = await router.run(['agents', '--json']);
    expect(objects(json)).toEqual([
      {
        session: router.agent.id,
        name: 'forwarder-1',
        frev: router.frev - 1,
        failed: 0,
        behind: 1,
      },
    ]);
    const { stdout } = await router.run(['agents']);
    expect(stdout).toMatch(/^forwarder-1 .* 1 change +0$/m);
  });
});

describe('mgmctl doctor, with forwarding entries', () => {
  const findings = async (router: Awaited<ReturnType<typeof forwarding>>) => {
    const { stdout } = await router.run(['doctor', '--json']);
    return objects(stdout).filter(({ what }) => what === 'agents');
  };

  it('notes entries without an agent', async () => {
    await using router = await forwarding();
    expect(await findings(router)).toMatchObject([{ state: 'note' }]);
  });

  it('finds agents in order, and notes one that is behind for over a second', async () => {
    await using router = await withAgent();
    await router.report(router.frev - 1);
    expect(await findings(router)).toMatchObject([
      { state: 'note', detail: expect.stringContaining('behind by 1 change') },
    ]);
    await router.report(router.frev);
    expect(await findings(router)).toMatchObject([{ state: 'ok' }]);
  });

  it('ends at once if it is interrupted while an agent is behind', async () => {
    await using router = await withAgent();
    await router.report(router.frev - 1);
    const ending = new AbortController();
    const mgm: AgentReader = {
      mfes: (options) => router.mgm.mfes(options),
      agentPages: async function* (options) {
        yield* router.mgm.agentPages(options);
        setImmediate(() => ending.abort());
      },
    };
    const check = checkAgents(mgm, ending.signal).catch((error: unknown) => error);
    const later = once(ending.signal, 'abort').then(() => delay(500, 'it still waits'));
    expect(await Promise.race([check, later])).toMatchObject({ reason: 'aborted' });
    await check;
  });
});
