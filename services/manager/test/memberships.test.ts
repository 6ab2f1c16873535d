import { decodeMessage } from '@mgm/protocol';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manage, Worker } from './in-process.ts';

let servers: TestServers;
let worker: Worker;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  servers = opened.use(await startServers());
  opened.use((await manage(servers, {})).manager);
  worker = opened.use(await Worker.connect(servers));
});
afterAll(() => opened.disposeAsync());

type Message = Readonly<Record<string, unknown>>;

/** Everything published on this subject of the worker's router from now on. */
async function listen(to: Worker, tail: string): Promise<Message[]> {
  const heard: Message[] = [];
  to.nats.subscribe(to.subject(tail), {
    callback: (_, { data }) => {
      const decoded = decodeMessage(data);
      if (decoded.kind === 'malformed') throw new Error(decoded.fault);
      heard.push(decoded.value);
    },
  });
  await to.nats.flush();
  return heard;
}

const WITHIN = { withinMs: 30_000 };
const ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT'];

it('publishes membership events and alerts, also those of a release', async () => {
  const pim = await worker.register({ protocolId: 103, componentId: 1, alerts: ALERTS });
  const dvmrp = await worker.register({ protocolId: 104, componentId: 2, alerts: ALERTS });
  const alerts = await listen(worker, `callback.${String(dvmrp['session'])}`);
  const events = await listen(worker, 'membership.*');
  const { handle } = pim;
  await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
  const add = { handle, seq: 2, ack: 2, ifIndex: 7, group: '239.1.2.3' };
  expect(await worker.ask('member.add', add)).toMatchObject({ status: 0, changed: true, mrev: 1 });
  const item = ['239.1.2.3', '', 7, ''];
  await eventually(
    () => expect(events).toMatchObject([{ type: 'joined', mrev: 1, items: [item] }]),
    WITHIN,
  );
  await eventually(
    () =>
      expect(alerts).toMatchObject([
        { seq: 1, type: 'JOIN_ALERT', memberUpdate: true, items: [['239.1.2.3', '']], mrev: 1 },
      ]),
    WITHIN,
  );
  await worker.ask('release', { handle, seq: 3, ack: 3, ifIndex: 7 });
  await eventually(() => expect(alerts).toHaveLength(2), WITHIN);
  expect(alerts[1]).toMatchObject({
    ...{ seq: 2, type: 'PRUNE_ALERT', memberDelete: true, cause: 'release', mrev: 2 },
    items: [[...item, false]],
  });
  expect(events).toMatchObject([{ type: 'joined' }, { type: 'left', cause: 'release', mrev: 2 }]);
  const read = await worker.ask('mailbox', { handle: dvmrp['handle'], from: 0 });
  expect(read['messages']).toEqual(alerts);
});
