import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@mgm/nats';
import { startNats, startRedis } from '@mgm/devstack';
import { startManagers } from '@mgm/test-support';
import { expect, inject, it } from 'vitest';
import { RawRouter } from '../support/raw-client.ts';
import { pack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';

const MAX_PAYLOAD = 64 * 1024;
const INTERFACES = 1_000;
const LIMIT = 1_000;

it('section 8: pages shrink to max_payload, and cursor and head continue where they end', async () => {
  await using scope = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mgm-small-payload-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const config = join(folder, 'nats.conf');
  await writeFile(config, `max_payload: ${MAX_PAYLOAD}`);
  const choice = inject('servers');
  const nats = scope.use(await startNats(choice, { args: ['-c', config] }));
  const redis = scope.use(await startRedis(choice));
  scope.use(await startManagers(1, { nats, redis }));
  const connection = await connect({ servers: nats.url });
  scope.defer(() => connection.close());
  const router = new RawRouter(connection, 'r1');
  const client = await router.register({ name: '\u20ac'.repeat(256), ttlMs: 300_000 });
  const all = Array.from({ length: INTERFACES }, (_, at): [number, string] => [at + 1, '']);
  ok(await client.takeAll(all));

  const listed: number[] = [];
  let pages = 0;
  for (let cursor: unknown, isFirst = true; isFirst || cursor !== undefined; pages++) {
    const fields = { limit: LIMIT, ...(cursor !== undefined && { cursor }) };
    const page = ok(await router.request('interfaces', fields));
    expect(pack(page).length).toBeLessThanOrEqual(MAX_PAYLOAD);
    listed.push(...page.items.map(({ ifIndex }) => ifIndex));
    cursor = typeof page.cursor === 'string' ? page.cursor : undefined;
    isFirst = false;
  }
  expect(pages).toBeGreaterThan(2);
  expect(listed.toSorted((a, b) => a - b)).toEqual(all.map(([ifIndex]) => ifIndex));

  const revs: number[] = [];
  for (let head = 1; revs.length < head;) {
    const page = ok(await router.request('events', { from: revs.length, limit: LIMIT }));
    expect(pack(page).length).toBeLessThanOrEqual(MAX_PAYLOAD);
    expect(page.events.length).toBeGreaterThan(0);
    revs.push(...page.events.map(({ rev }) => rev));
    head = page.head;
  }
  expect(revs).toEqual(Array.from({ length: INTERFACES + 1 }, (_, at) => at + 1));
});
