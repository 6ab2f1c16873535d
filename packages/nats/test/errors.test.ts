import { startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, createInbox, isNoResponders, type Msg, type NatsConnection } from '../src/mod.ts';

let servers: TestServers;
let nats: NatsConnection;
beforeAll(async () => {
  servers = await startServers();
  nats = await connect({ servers: servers.nats.url });
});
afterAll(async () => {
  await nats.close();
  await servers[Symbol.asyncDispose]();
});

/** The first message on a reply subject of its own after a request on this subject. */
async function replyTo(subject: string): Promise<Msg> {
  const reply = createInbox();
  const replies = nats.subscribe(reply, { max: 1 });
  nats.publish(subject, 'x', { reply });
  for await (const message of replies) return message;
  throw new Error('no reply');
}

it('recognizes the reply of the server to a request on a subject without subscribers', async () => {
  expect(isNoResponders(await replyTo('absent'))).toBe(true);
});

it('does not mistake an empty reply of a service for it', async () => {
  nats.subscribe('empty', { callback: (_, message) => void message.respond() });
  expect(isNoResponders(await replyTo('empty'))).toBe(false);
});
