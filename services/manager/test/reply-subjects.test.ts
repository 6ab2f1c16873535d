import { freePort } from '@mgm/devstack';
import { encodeMessage } from '@mgm/protocol';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manage, Worker } from './in-process.ts';

let servers: TestServers;
let port: number | undefined;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  servers = opened.use(await startServers());
  const { manager } = await manage(servers, { MGM_HEALTH_PORT: String(await freePort()) });
  opened.use(manager);
  port = manager.healthPort;
});
afterAll(() => opened.disposeAsync());

async function dropped(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^mgm_requests_dropped_total (\d+)$/m.exec(text)?.[1]);
}

const REGISTER = { protocolId: 0x67, componentId: 1, instance: 'x'.repeat(16) };

it.each([
  // As latin1 these are a space, CR and LF: "PUB victim 1 x" and "UNSUB 1" of the NATS protocol.
  'a\u0120victim\u01203\u010d\u010aabc\u010d\u010a',
  'a\u01200\u010d\u010a\u010d\u010aUNSUB\u01201\u010d\u010a',
  'answers.für.uns',
  'a..b',
  '.a',
  'a.',
  'a.*',
  '>',
])('drops a request whose reply subject is %j, and counts it', async (reply) => {
  await using worker = await Worker.connect(servers);
  const before = await dropped();
  worker.nats.publish(worker.subject('register'), encodeMessage(REGISTER), { reply });
  await eventually(async () => expect(await dropped()).toBe(before + 1), { withinMs: 30_000 });
  expect(await worker.ask('sessions', {})).toMatchObject({ status: 0, items: [], rev: 0 });
});

it.each(['event.taken', 'head', 'callback.1', 'take'])(
  'drops a request whose reply subject is %s of its own router',
  async (tail) => {
    await using worker = await Worker.connect(servers);
    const heard: unknown[] = [];
    worker.nats.subscribe(worker.subject(tail), { callback: (_, message) => heard.push(message) });
    const before = await dropped();
    const reply = worker.subject(tail);
    worker.nats.publish(worker.subject('register'), encodeMessage(REGISTER), { reply });
    await eventually(async () => expect(await dropped()).toBe(before + 1), { withinMs: 30_000 });
    expect(await worker.ask('sessions', {})).toMatchObject({ status: 0, items: [] });
    expect(heard).toEqual([]);
  },
);

it('replies to any other subject of printable ASCII', async () => {
  await using worker = await Worker.connect(servers);
  const reply = '!"#$%&\'()+,-/:;<=?@[\\]^_`{|}~.a';
  const answered = worker.nats.subscribe(reply, { max: 1 });
  worker.nats.publish(worker.subject('owner'), encodeMessage({ ifIndex: 7 }), { reply });
  const { value } = await answered[Symbol.asyncIterator]().next();
  expect(value).toMatchObject({ subject: reply });
});

it('executes a request without a reply subject', async () => {
  await using worker = await Worker.connect(servers);
  const before = await dropped();
  worker.nats.publish(worker.subject('register'), encodeMessage(REGISTER));
  await eventually(
    async () => {
      const { items } = await worker.ask('sessions', {});
      expect(items).toHaveLength(1);
    },
    { withinMs: 30_000 },
  );
  expect(await dropped()).toBe(before);
});
