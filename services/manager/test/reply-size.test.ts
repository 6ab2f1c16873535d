import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats } from '@mgm/devstack';
import { encodeMessage } from '@mgm/protocol';
import { startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { manage, Worker, type RawReply } from './in-process.ts';

const choice = inject('servers');
const KIB = 1024;
/** Long in text and in UTF-8. */
const LONG_NAME = '€'.repeat(256);
const INTERFACES = Array.from({ length: 1024 }, (_, at) => [at + 1]);

let servers: TestServers;
let folder: string;
beforeAll(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), 'mgm-payload-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await servers[Symbol.asyncDispose]();
});

/** The refusals of a bulk take of interfaces that a client with a long name has. */
async function refusedTake(worker: Worker, count: number) {
  const owner = await worker.register({ name: LONG_NAME, ttlMs: 300_000 });
  await worker.ask('take', { handle: owner.handle, seq: 1, ack: 1, interfaces: INTERFACES });
  const { handle } = await worker.register({ componentId: 2, ttlMs: 300_000 });
  const interfaces = INTERFACES.slice(0, count);
  const reply = await worker.ask('take', { handle, seq: 1, ack: 1, interfaces });
  const again = await worker.ask('take', { handle, seq: 1, ack: 1, interfaces });
  expect(again['results']).toEqual(reply['results']);
  return { reply, results: reply['results'] as RawReply[], session: owner['session'] };
}

describe('the reply to a bulk take whose interfaces have a holder with a long name', () => {
  it('is at most 256 KiB, without names where they do not fit', async () => {
    await using _manager = (await manage(servers)).manager;
    await using worker = await Worker.connect(servers);
    const { reply, results, session } = await refusedTake(worker, 1024);
    expect(reply.status).toBe(0);
    expect(encodeMessage(reply).length).toBeLessThanOrEqual(256 * KIB);
    expect(results).toHaveLength(1024);
    for (const { status, reason, holder } of results) {
      expect({ status, reason }).toEqual({ status: 183, reason: 'already-owned' });
      expect(holder).toMatchObject({ session, protocolId: 0x67, epoch: expect.any(String) });
      expect(holder).not.toHaveProperty('name');
    }
  });

  it('has the names where they fit', async () => {
    await using _manager = (await manage(servers)).manager;
    await using worker = await Worker.connect(servers);
    const { results } = await refusedTake(worker, 64);
    expect(results).toHaveLength(64);
    for (const { holder } of results) expect(holder).toMatchObject({ name: LONG_NAME });
  });
});

describe('over a NATS with a small max_payload', () => {
  beforeEach((context) => {
    const isProcess = choice.nats.kind === 'process';
    context.skip(!isProcess, 'max_payload is set in a file, which only a process here can read');
  });

  /** A manager and a worker over such a NATS. */
  async function start(maxPayload: number) {
    const config = join(folder, `${maxPayload}.conf`);
    await writeFile(config, `max_payload: ${maxPayload}`);
    const stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats(choice, { args: ['-c', config] }));
    const behind = { nats, redis: servers.redis };
    const { manager, lines } = await manage(behind);
    stack.use(manager);
    const worker = stack.use(await Worker.connect(behind));
    return { manager, lines, worker, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  it('every reply of the contract fits into 64 KiB', async () => {
    await using stage = await start(64 * KIB);
    const { manager, lines, worker } = stage;
    expect(manager.notReadyBecause).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', maxPayload: 65_536, recommended: 262_144 }),
    );
    const { reply, results } = await refusedTake(worker, 1024);
    expect(reply.status).toBe(0);
    expect(results.map(({ reason }) => reason)).toEqual(INTERFACES.map(() => 'already-owned'));

    const listed: unknown[] = [];
    let cursor: unknown;
    do {
      const page: RawReply = await worker.ask('interfaces', {
        limit: 1000,
        ...(cursor !== undefined && { cursor }),
      });
      expect(page.status).toBe(0);
      listed.push(...(page['items'] as unknown[]));
      cursor = page['cursor'];
    } while (cursor !== undefined);
    expect(listed).toHaveLength(1024);

    const revisions: number[] = [];
    let head = Infinity;
    while ((revisions.at(-1) ?? 0) < head) {
      const from = revisions.at(-1) ?? 0;
      const page = await worker.ask('events', { from, limit: 1000 });
      expect(page.status).toBe(0);
      head = Number(page['head']);
      revisions.push(...(page['events'] as { rev: number }[]).map(({ rev }) => rev));
    }
    expect(revisions).toEqual(Array.from({ length: head }, (_, at) => at + 1));
  });

  it('below 64 KiB a manager says so at its start and is not ready', async () => {
    await using stage = await start(32 * KIB);
    const reason = 'nats: max_payload is 32768, it must be at least 65536';
    expect(stage.manager.notReadyBecause).toEqual([reason]);
    expect(stage.lines).toContainEqual(
      expect.objectContaining({ level: 'error', maxPayload: 32_768, atLeast: 65_536 }),
    );
  });
});
