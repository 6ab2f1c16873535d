import { expect, it } from 'vitest';
import { makeNeutral } from './environment.ts';

it('removes terminal, language, time zone and settings of MGM, and keeps the rest', () => {
  const env = {
    PATH: '/usr/bin',
    HOME: '/root',
    TERM: 'dumb',
    NO_COLOR: '1',
    FORCE_COLOR: '3',
    LANG: 'tr_TR.UTF-8',
    LC_ALL: 'C',
    TZ: 'Asia/Kathmandu',
    NODE_OPTIONS: '--no-warnings',
    MGM_ROUTER: 'core-1',
    MGM_SERVERS: 'process',
    HTTPS_PROXY: 'http://proxy:3128',
    NO_PROXY: 'intranet,localhost',
  };
  makeNeutral(env);
  expect(env).toEqual({
    PATH: '/usr/bin',
    HOME: '/root',
    MGM_SERVERS: 'process',
    HTTPS_PROXY: 'http://proxy:3128',
    NO_PROXY: 'intranet,localhost,127.0.0.1,::1',
    no_proxy: '127.0.0.1,localhost,::1',
  });
});

it('was applied to this process', () => {
  const names = ['TERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL', 'TZ', 'MGM_ROUTER'];
  expect(names.filter((name) => name in process.env)).toEqual([]);
  expect(process.env['NO_PROXY']).toContain('127.0.0.1');
});
