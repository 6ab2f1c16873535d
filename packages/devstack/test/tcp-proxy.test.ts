import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startRedis, startTcpProxy } from '@mgm/devstack';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { tryConnect, WITHIN, Wire } from './wire.ts';

const choice = inject('servers');
const CUTS_AN_END = fileURLToPath(new URL('cuts-an-end.ts', import.meta.url));
let redis: RunningServer;
let direct: Wire;

beforeAll(async () => {
  redis = await startRedis(choice);
  direct = await Wire.open(redis);
});
afterAll(async () => {
  direct[Symbol.dispose]();
  await redis.stop();
});

describe('a TCP proxy in front of a server', () => {
  it('forwards in both directions, also more than the buffers hold', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    proxy.latencyMs(5);
    const size = 20 * 1024 * 1024;
    wire.send(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${size}\r\n${'x'.repeat(size)}`);
    expect(await wire.answer()).toBe('+OK');
    expect(await wire.ask('STRLEN big')).toBe(`:${size}`);
    expect(await wire.ask('GETRANGE big 0 9')).toBe('$10');
    expect(proxy.connections).toBe(1);
  });

  it('delays each direction', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    proxy.latencyMs(60);
    const sentMono = performance.now();
    expect(await wire.ask('PING')).toBe('+PONG');
    expect(performance.now() - sentMono).toBeGreaterThanOrEqual(120);
  });

  it('lets nothing through in a blackhole and delivers it after healing', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    expect(await wire.ask('PING')).toBe('+PONG');
    proxy.blackhole();
    wire.send('SET crossed 1');
    expect(await wire.staysSilent(100)).toBe(true);
    expect(await direct.ask('STRLEN crossed')).toBe(':0');
    await proxy.heal();
    expect(await wire.answer()).toBe('+OK');
    expect(await direct.ask('STRLEN crossed')).toBe(':1');
  });

  it('accepts a connection in a blackhole, which works after healing', async () => {
    await using proxy = await startTcpProxy(redis);
    proxy.blackhole();
    using wire = await Wire.open(proxy);
    wire.send('PING');
    expect(await wire.staysSilent(100)).toBe(true);
    await proxy.heal();
    expect(await wire.answer()).toBe('+PONG');
  });

  it('can hold only the replies', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    proxy.blackhole('to-client');
    wire.send('SET half 1');
    await vi.waitFor(async () => expect(await direct.ask('STRLEN half')).toBe(':1'), WITHIN);
    expect(await wire.staysSilent(50)).toBe(true);
    await proxy.heal();
    expect(await wire.answer()).toBe('+OK');
  });

  it('can lose the replies: the server executes the request, and healing cuts the connection', async () => {
    await using proxy = await startTcpProxy(redis);
    using lost = await Wire.open(proxy);
    using unharmed = await Wire.open(proxy);
    proxy.dropReplies();
    lost.send('INCR counted');
    await vi.waitFor(async () => expect(await direct.ask('STRLEN counted')).toBe(':1'), WITHIN);
    expect(await lost.staysSilent(50)).toBe(true);
    await proxy.heal();
    await vi.waitFor(() => expect(lost.ended).toBe('ECONNRESET'), WITHIN);
    expect(await unharmed.ask('INCR counted')).toBe(':2');
  });

  it('hides the end of either side in a blackhole', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    const id = (await wire.ask('CLIENT ID')).slice(1);
    proxy.blackhole();
    await direct.ask(`CLIENT KILL ID ${id}`);
    expect(await wire.staysSilent(50)).toBe(true);
    await proxy.heal();
    await vi.waitFor(() => expect(wire.ended).toBe('end'), WITHIN);
  });

  it('cuts present connections by reset and accepts new ones', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    proxy.reset();
    await vi.waitFor(() => expect(wire.ended).toBe('ECONNRESET'), WITHIN);
    using next = await Wire.open(proxy);
    expect(await next.ask('PING')).toBe('+PONG');
  });

  it('leaves no socket of a connection that was cut while it ended', async () => {
    const program = spawn(process.execPath, ['--conditions=@mgm/source', CUTS_AN_END], {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 60_000,
    });
    expect(await once(program, 'exit')).toEqual([0, null]);
  });

  it('refuses connections until it is healed, and keeps its port', async () => {
    await using proxy = await startTcpProxy(redis);
    using wire = await Wire.open(proxy);
    await proxy.refuse();
    await vi.waitFor(() => expect(wire.ended).toBe('ECONNRESET'), WITHIN);
    expect(await tryConnect(proxy)).toBe('ECONNREFUSED');
    await proxy.heal();
    using next = await Wire.open(proxy);
    expect(await next.ask('PING')).toBe('+PONG');
  });

  it('connects new connections to another server', async () => {
    await using other = await startRedis(choice);
    await using proxy = await startTcpProxy(redis);
    using before = await Wire.open(proxy);
    proxy.setUpstream(other);
    using after = await Wire.open(proxy);
    expect(await before.ask('SET side first')).toBe('+OK');
    expect(await after.ask('STRLEN side')).toBe(':0');
  });

  it('ends a client’s connection if the server ends', async () => {
    await using other = await startRedis(choice);
    await using proxy = await startTcpProxy(other);
    using wire = await Wire.open(proxy);
    expect(await wire.ask('PING')).toBe('+PONG');
    await other.kill();
    await vi.waitFor(() => expect(wire.ended).toBeDefined(), WITHIN);
    await vi.waitFor(() => expect(proxy.connections).toBe(0), WITHIN);
  });
});
