import { startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, Inbox, type NatsConnection } from '../src/mod.ts';

let servers: TestServers;
let nats: NatsConnection;
beforeAll(async () => {
  servers = await startServers();
  nats = await connect({ servers: servers.nats.url });
  nats.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
  nats.subscribe('deaf', { callback: () => {} });
});
afterAll(async () => {
  await nats.close();
  await servers[Symbol.asyncDispose]();
});

const never = () => new AbortController().signal;
const text = (data: Uint8Array): string => Buffer.from(data).toString();

it('gives each request its own reply', async () => {
  using inbox = new Inbox(nats);
  const words = ['one', 'two', 'three'];
  const replies = words.map((word) => inbox.request('echo', Buffer.from(word), never()));
  expect((await Promise.all(replies)).map(({ data }) => text(data))).toEqual(words);
  expect(inbox.pending).toBe(0);
});

it('reports that a request has no responders', async () => {
  using inbox = new Inbox(nats);
  const reply = await inbox.request('absent', Buffer.from('x'), never());
  expect(reply.noResponders).toBe(true);
  expect((await inbox.request('echo', new Uint8Array(), never())).noResponders).toBe(false);
});

it('forgets a request whose signal is aborted', async () => {
  using inbox = new Inbox(nats);
  const giveUp = new AbortController();
  const reply = inbox.request('deaf', Buffer.from('x'), giveUp.signal);
  expect(inbox.pending).toBe(1);
  giveUp.abort(new Error('given up'));
  await expect(reply).rejects.toThrow('given up');
  expect(inbox.pending).toBe(0);
});

it('delivers at most one reply, and none after the request was forgotten', async () => {
  using inbox = new Inbox(nats);
  const heard: string[] = [];
  const hear = ({ data }: { data: Uint8Array }): void => void heard.push(text(data));
  inbox.send('echo', Buffer.from('kept'), hear);
  inbox.send('echo', Buffer.from('forgotten'), hear)();
  await inbox.request('echo', Buffer.from('last'), never());
  expect(heard).toEqual(['kept']);
});

it('subscribes below the prefix given', () => {
  using inbox = new Inbox(nats, '_INBOX_worker');
  expect(inbox.prefix).toMatch(/^_INBOX_worker\.[A-Z0-9]+\.$/i);
});

it('can be disposed after its connection was closed', async () => {
  const other = await connect({ servers: servers.nats.url });
  const inbox = new Inbox(other);
  await other.close();
  expect(() => inbox[Symbol.dispose]()).not.toThrow();
});
