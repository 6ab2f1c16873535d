import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectLean } from './lean-socket.ts';

const HOST = '127.0.0.1';
let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer().listen(0, HOST);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(() => void server.close());

async function connected(): Promise<{ ours: Socket; theirs: Socket }> {
  const accepting = once(server, 'connection');
  const ours = connectLean(HOST, port);
  const [theirs] = await accepting;
  return { ours, theirs };
}

/** What comes, as it is passed on. */
function collect(socket: Socket): Buffer[] {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  return pieces;
}

describe('a lean socket', () => {
  it('passes on every byte in order, and never writes over what it has passed on', async () => {
    const { ours, theirs } = await connected();
    const pieces = collect(ours);
    const sent = Buffer.alloc(3 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789');
    const closed = once(ours, 'close');
    theirs.end(sent);
    await closed;
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
    expect(pieces.length).toBeGreaterThan(40);
  });

  it('leaves unread what comes while it is paused', async () => {
    const { ours, theirs } = await connected();
    const pieces = collect(ours);
    theirs.write('before');
    await once(ours, 'data');
    ours.pause();
    for (const part of ['one ', 'two ', 'three']) {
      theirs.write(part);
      await delay(20);
    }
    expect(pieces.map(String)).toEqual(['before']);
    ours.resume();
    await once(ours, 'data');
    expect(pieces.map(String)).toEqual(['before', 'one two three']);
    ours.destroy();
  });

  it('says when the other side ends, and what it wrote arrives', async () => {
    const { ours, theirs } = await connected();
    const received = once(theirs, 'data');
    ours.write('hello');
    expect(String((await received)[0])).toBe('hello');
    const ended = once(ours, 'end');
    theirs.end();
    await ended;
  });

  it('says why there is no connection', async () => {
    server.close();
    await once(server, 'close');
    const [error] = await once(connectLean(HOST, port), 'error', {
      signal: AbortSignal.timeout(5_000),
    }).catch((reason: unknown) => [reason]);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
