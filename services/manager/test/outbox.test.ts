import { startNats, type RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Outbox } from '../src/outbox.ts';

let server: RunningServer;
let sender: NatsConnection;
let receiver: NatsConnection;

beforeAll(async () => {
  server = await startNats(inject('servers'));
  [sender, receiver] = await Promise.all([
    connect({ servers: server.url }),
    connect({ servers: server.url }),
  ]);
});
afterAll(async () => {
  await Promise.all([sender.close(), receiver.close()]);
  await server.stop();
});

/** The same connection, as it would look if its client kept its inside to itself. */
const withoutInside = (connection: NatsConnection): NatsConnection =>
  new Proxy(connection, {
    has: (target, name) => name !== 'protocol' && name in target,
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** Payloads of every length around the size of a block, and one that has a block of its own. */
const LENGTHS = [0, 1, 999, 65_000, 65_535, 65_536, 70_000, 300_000, 2];

describe.each([
  ['with the inside of the client', (connection: NatsConnection) => connection],
  ['through its front door', withoutInside],
])('%s', (name, view) => {
  it('sends what it was given, in order, whatever becomes of the bytes afterwards', async () => {
    const subject = `outbox.${name.split(' ').at(-1)}`;
    const received: Buffer[] = [];
    receiver.subscribe(subject, {
      callback: (_, { data }) => void received.push(Buffer.from(data)),
    });
    await receiver.flush();
    const outbox = new Outbox(view(sender));
    const reused = Buffer.alloc(300_000);
    for (const [at, length] of LENGTHS.entries()) {
      const payload = reused.subarray(0, length).fill(at + 1);
      outbox.publish(subject, payload);
    }
    await eventually(() => expect(received).toHaveLength(LENGTHS.length), { withinMs: 5_000 });
    expect(received.map(({ length }) => length)).toEqual(LENGTHS);
    expect(received.every((data, at) => data.every((byte) => byte === at + 1))).toBe(true);
  });

  it('hands over at once what has to go before a ping', async () => {
    const subject = `flushed.${name.split(' ').at(-1)}`;
    let count = 0;
    receiver.subscribe(subject, { callback: () => void count++ });
    await receiver.flush();
    const outbox = new Outbox(view(sender));
    outbox.publish(subject, Buffer.from('x'));
    outbox.flush();
    await sender.flush();
    await receiver.flush();
    expect(count).toBe(1);
  });
});

it('sends nothing over a connection that was closed', async () => {
  const gone = await connect({ servers: server.url });
  const outbox = new Outbox(gone);
  outbox.publish('outbox.gone', Buffer.from('x'));
  await gone.close();
  expect(() => outbox.flush()).not.toThrow();
});
