import { describe, expect, it } from 'vitest';
import { expectPushedAfter, expectPushedMailbox, expectRefused } from '../support/expectations.ts';
import { ok, type Reply, type Refusal } from '../support/raw-replies.ts';
import { newInstance, Protocols } from '../support/raw-client.ts';
import { enter, type Mark, ROLES, type Role, type Scene, type State } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

/** Table 4.1 of the MGM semantics. A row names either the reason of the refusal or its event. */
interface Row {
  readonly row: string;
  readonly title: string;
  readonly from: State;
  readonly by: Role;
  readonly call: 'take' | 'release';
  readonly to: State;
  readonly refused?: readonly [status: Refusal['status'], reason: string];
  readonly event?: 'taken' | 'released' | 'igmp-taken' | 'igmp-released';
  /** Whether IGMP gets DISABLE_IGMP and ENABLE_IGMP. */
  readonly pair?: true;
}

const ALREADY_OWNED = [183, 'already-owned'] as const;
const ALREADY_TAKEN = [183, 'already-taken'] as const;
const NOT_FOUND = [87, 'not-found'] as const;
const NOT_OWNER = [87, 'not-owner'] as const;

const ROWS: readonly Row[] = [
  {
    row: 'T1',
    title: 'a routing protocol takes a free interface',
    ...{ from: 'S0', by: 'pim', call: 'take', to: 'S2(pim)', event: 'taken' },
  },
  {
    row: 'T2',
    title: 'IGMP takes a free interface',
    ...{ from: 'S0', by: 'igmp', call: 'take', to: 'S1', event: 'igmp-taken' },
  },
  {
    row: 'T3',
    title: 'a routing protocol takes what IGMP holds: IGMP gets DISABLE then ENABLE',
    ...{ from: 'S1', by: 'pim', call: 'take', to: 'S3(pim)', event: 'taken', pair: true },
  },
  {
    row: 'T4',
    title: 'IGMP takes again what it holds and is refused',
    ...{ from: 'S1', by: 'igmp', call: 'take', to: 'S1', refused: ALREADY_TAKEN },
  },
  {
    row: 'T5',
    title: 'a routing protocol takes what another owns and is refused',
    ...{ from: 'S2(pim)', by: 'dvmrp', call: 'take', to: 'S2(pim)', refused: ALREADY_OWNED },
  },
  {
    row: 'T6',
    title: 'the owner takes again what it owns and is refused',
    ...{ from: 'S2(pim)', by: 'pim', call: 'take', to: 'S2(pim)', refused: ALREADY_TAKEN },
  },
  {
    row: 'T7',
    title: 'IGMP takes what a routing protocol owns, without a callback',
    ...{ from: 'S2(pim)', by: 'igmp', call: 'take', to: 'S3(pim)', event: 'igmp-taken' },
  },
  {
    row: 'T8',
    title:
      'a routing protocol takes what another owns and IGMP holds, is refused, and IGMP gets no callback',
    ...{ from: 'S3(pim)', by: 'dvmrp', call: 'take', to: 'S3(pim)', refused: ALREADY_OWNED },
  },
  {
    row: 'T9',
    title: 'the owner takes again what IGMP holds too and is refused',
    ...{ from: 'S3(pim)', by: 'pim', call: 'take', to: 'S3(pim)', refused: ALREADY_TAKEN },
  },
  {
    row: 'T9',
    title: 'IGMP takes again what it holds and another owns and is refused',
    ...{ from: 'S3(pim)', by: 'igmp', call: 'take', to: 'S3(pim)', refused: ALREADY_TAKEN },
  },
  {
    row: 'T10',
    title: 'the owner releases what it holds alone, without a callback',
    ...{ from: 'S2(pim)', by: 'pim', call: 'release', to: 'S0', event: 'released' },
  },
  {
    row: 'T11',
    title: 'the owner releases what IGMP holds too: IGMP gets DISABLE then ENABLE',
    ...{ from: 'S3(pim)', by: 'pim', call: 'release', to: 'S1', event: 'released', pair: true },
  },
  {
    row: 'T12',
    title: 'IGMP releases what a routing protocol owns, without a callback',
    ...{ from: 'S3(pim)', by: 'igmp', call: 'release', to: 'S2(pim)', event: 'igmp-released' },
  },
  {
    row: 'T13',
    title: 'IGMP releases what it holds alone',
    ...{ from: 'S1', by: 'igmp', call: 'release', to: 'S0', event: 'igmp-released' },
  },
  {
    row: 'T14',
    title: 'a routing protocol releases a free interface and is refused',
    ...{ from: 'S0', by: 'pim', call: 'release', to: 'S0', refused: NOT_FOUND },
  },
  {
    row: 'T14',
    title: 'IGMP releases a free interface and is refused',
    ...{ from: 'S0', by: 'igmp', call: 'release', to: 'S0', refused: NOT_FOUND },
  },
  {
    row: 'T15',
    title: 'a routing protocol releases what IGMP alone holds and is refused',
    ...{ from: 'S1', by: 'pim', call: 'release', to: 'S1', refused: NOT_OWNER },
  },
  {
    row: 'T15',
    title: 'a routing protocol releases what another owns and is refused',
    ...{ from: 'S2(dvmrp)', by: 'pim', call: 'release', to: 'S2(dvmrp)', refused: NOT_OWNER },
  },
  {
    row: 'T15',
    title: 'a routing protocol releases what another owns and IGMP holds and is refused',
    ...{ from: 'S3(dvmrp)', by: 'pim', call: 'release', to: 'S3(dvmrp)', refused: NOT_OWNER },
  },
  {
    row: 'T15',
    title: 'IGMP releases what it is not on and is refused',
    ...{ from: 'S2(pim)', by: 'igmp', call: 'release', to: 'S2(pim)', refused: NOT_OWNER },
  },
];

const STATES: readonly State[] = ['S0', 'S1', 'S2(pim)', 'S3(pim)'];

overReplicas((stage) => {
  describe('table 4.1', () => {
    it.each(ROWS)('$row: $title', async (row) => {
      const scene = await enter(stage, row.from);
      const mark = await scene.mark();
      const held = await heldEpoch(scene, row.by);
      const reply = await scene.clients[row.by][row.call](scene.ifIndex);
      if (row.refused) await expectRefusal(scene, mark, reply, row.refused);
      else await expectChange(scene, mark, ok(reply), row, held);
      await expectState(scene, row.to);
      await expectPushes(scene, mark);
    });

    it.each(STATES)('T16: in %s an unknown handle neither takes nor releases', async (state) => {
      const scene = await enter(stage, state);
      const mark = await scene.mark();
      for (const call of ['take', 'release'] as const) {
        const request = { handle: newInstance(), seq: 1, ack: 1, ifIndex: scene.ifIndex };
        await expectRefusal(scene, mark, await scene.router.request(call, request), BAD_HANDLE);
      }
      await expectState(scene, state);
    });

    it.each(STATES)(
      'T16: in %s the handle of an ended session neither takes nor releases',
      async (state) => {
        const scene = await enter(stage, state);
        const ended = await scene.router.register({ componentId: 2 });
        ok(await ended.deregister());
        const mark = await scene.mark();
        for (const call of ['take', 'release'] as const) {
          await expectRefusal(scene, mark, await ended[call](scene.ifIndex), BAD_HANDLE);
        }
        await expectState(scene, state);
      },
    );

    it.each(['T5', 'T8'])('%s: the refusal names the holder as `owner` does', async (row) => {
      const scene = await enter(stage, row === 'T5' ? 'S2(pim)' : 'S3(pim)');
      const { status, rev, ...holder } = ok(await scene.router.owner(scene.ifIndex));
      const reply = await scene.clients.dvmrp.take(scene.ifIndex);
      expectRefused(reply, 183, 'already-owned', { holder, rev });
      expect(status).toBe(0);
    });
  });

  it.each(['S1', 'S3(pim)'] as const)(
    'a second IGMP is refused in %s: at most one IGMP session',
    async (state) => {
      const scene = await enter(stage, state);
      const second = await scene.router.register({ protocolId: Protocols.igmp, componentId: 2 });
      const mark = await scene.mark();
      await expectRefusal(scene, mark, await second.take(scene.ifIndex), ALREADY_OWNED);
      expectRefused(await second.release(scene.ifIndex), 87, 'not-owner');
      await expectState(scene, state);
    },
  );

  it('a second client of the same protocol id may not share an interface', async () => {
    const scene = await enter(stage, 'S2(pim)');
    const second = await scene.router.register({ protocolId: Protocols.pim, componentId: 2 });
    const mark = await scene.mark();
    await expectRefusal(scene, mark, await second.take(scene.ifIndex), ALREADY_OWNED);
    expectRefused(await second.release(scene.ifIndex), 87, 'not-owner');
    await expectState(scene, 'S2(pim)');
  });
});

const BAD_HANDLE = [87, 'bad-handle'] as const;

/** A refusal changes nothing: no event, no callback, no revision. */
async function expectRefusal(
  scene: Scene,
  mark: Mark,
  reply: Reply,
  [status, reason]: readonly [Refusal['status'], string],
): Promise<void> {
  expectRefused(reply, status, reason, { rev: mark.rev });
  expect(await scene.router.rev()).toBe(mark.rev);
  for (const role of ROLES) expect(await scene.callbacksSince(mark, role)).toEqual([]);
}

/** A change has one event and, where the row says so, IGMP's pair; all under the revision of the reply. */
async function expectChange(
  scene: Scene,
  mark: Mark,
  reply: { readonly rev: number; readonly epoch?: string },
  { by, call, event, pair }: Row,
  held: string | undefined,
): Promise<void> {
  const { ifIndex, clients } = scene;
  const change = { ifIndex, nextHop: '', cause: call };
  const epoch = call === 'take' ? reply.epoch : held;
  expect(reply.rev).toBe(mark.rev + 1);
  expect(epoch).toMatch(/^[0-9]+$/);
  expect(await scene.eventsSince(mark)).toMatchObject([
    {
      type: event,
      rev: reply.rev,
      ts: expect.any(Number),
      ...clients[by].named,
      ...change,
      epoch,
    },
  ]);
  const callback = { ...change, rev: reply.rev, ts: expect.any(Number) };
  const first = mark.mailboxes.igmp + 1;
  expect(await scene.callbacksSince(mark, 'igmp')).toMatchObject(
    pair
      ? [
          { type: 'DISABLE_IGMP', seq: first, ...callback },
          { type: 'ENABLE_IGMP', seq: first + 1, ...callback },
        ]
      : [],
  );
  expect(await scene.callbacksSince(mark, 'pim')).toEqual([]);
  expect(await scene.callbacksSince(mark, 'dvmrp')).toEqual([]);
}

/** The epoch of a client's hold on the interface, before its release. */
async function heldEpoch(scene: Scene, role: Role): Promise<string | undefined> {
  const owner = await scene.router.owner(scene.ifIndex);
  if (owner.status !== 0) return undefined;
  return owner.session === scene.clients[role].session ? owner.epoch : owner.igmp?.epoch;
}

/** `owner` and `interfaces` agree. */
async function expectState(scene: Scene, state: State): Promise<void> {
  expect(await scene.state()).toBe(state);
  const owner = await scene.router.owner(scene.ifIndex);
  const { items } = ok(await scene.router.request('interfaces', {}));
  if (owner.status !== 0) return expect(items).toEqual([]);
  const { status, rev, ...fields } = owner;
  expect(items).toEqual([{ ifIndex: scene.ifIndex, nextHop: '', ...fields }]);
}

/** The pushed messages equal the kept ones. A later change proves that the earlier pushes have arrived. */
async function expectPushes(scene: Scene, mark: Mark): Promise<void> {
  await scene.router.register({ componentId: 99 });
  await expectPushedAfter(mark.rev, scene.router, scene.watch);
  for (const role of ROLES) await expectPushedMailbox(scene.clients[role], scene.watch);
  const arrived = scene.watch.callbacksOf(scene.clients.igmp.session).map(({ seq }) => seq);
  expect(arrived).toEqual(arrived.toSorted((a, b) => a - b));
}
