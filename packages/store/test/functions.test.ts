import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { LIBRARY_NAME } from '../src/generated/arbiter.ts';
import { openArbiter } from './arbiter.ts';

let redis: RunningServer;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

const libraryOf = (name: string): string =>
  `#!lua name=${name}\nredis.register_function('${name}_f', function() return 1 end)`;

it('deletes libraries of other versions when it is loaded, and leaves those of other programs', async () => {
  using first = await openArbiter(redis);
  const { link } = first;
  const names = async (): Promise<string[]> => {
    const list = await link.command('FUNCTION', 'LIST');
    return Array.isArray(list) ? list.map((library: string[]) => String(library[1])).sort() : [];
  };
  expect(await names()).toEqual([LIBRARY_NAME]);
  await link.command('FUNCTION', 'DELETE', LIBRARY_NAME);
  const older = `mgm_${'0'.repeat(16)}`;
  for (const name of [older, 'mgm_of_another', 'other']) {
    await link.command('FUNCTION', 'LOAD', libraryOf(name));
  }
  using second = await openArbiter(redis);
  expect(await names()).toEqual([LIBRARY_NAME, 'mgm_of_another', 'other'].sort());
  expect((await second.ask('head', {})).kind).toBe('head');
});

it('loads its own library again when another version has deleted it', async () => {
  using arbiter = await openArbiter(redis);
  await arbiter.link.command('FUNCTION', 'DELETE', LIBRARY_NAME);
  const both = await Promise.all([arbiter.ask('head', {}), arbiter.client()]);
  expect(both[0].kind).toBe('head');
});

it('begins each call without state of the previous one, even if that failed', async () => {
  using arbiter = await openArbiter(redis);
  const client = await arbiter.client();
  const key = `mgm:{${arbiter.router}}:if:7:`;
  await arbiter.link.command('SET', key, 'garbage');
  const on = (ifIndex: number) => ({ ifIndex, nextHop: '' as never });
  const broken = { ...client.next(), interfaces: [on(6), on(7)] };
  await expect(arbiter.ask('take', broken)).rejects.toMatchObject({ code: 'corrupt' });
  const page = await arbiter.decide('head', {});
  expect(page.batch.runs).toEqual([]);
  expect(await arbiter.ask('owner', { interface: on(6) })).toEqual({ kind: 'free' });
  await arbiter.link.command('DEL', key);
});
