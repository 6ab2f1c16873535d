import { describe, expect, it } from 'vitest';
import { parseRedisUrl } from './url.ts';

describe('a Redis URL', () => {
  it.each([
    ['redis://a', { kind: 'single', host: 'a', port: 6379, db: 0, tls: false }],
    ['rediss://[::1]:1/3', { kind: 'single', host: '::1', port: 1, db: 3, tls: true }],
    [
      'redis://:p%40%2C@a',
      { kind: 'single', host: 'a', port: 6379, db: 0, tls: false, password: 'p@,' },
    ],
    [
      'redis-sentinel://u:p:q@a,b:1/2#main',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 1 },
        ],
        service: 'main',
        db: 2,
        tls: false,
        username: 'u',
        password: 'p:q',
      },
    ],
    [
      'rediss-cluster://a:1, b',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
        ],
        tls: true,
      },
    ],
  ])('is read: %s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
  });

  it.each([
    ['http://a', 'must be like redis://host:port/db, redis-sentinel://'],
    ['redis://', 'must be like'],
    ['redis://u:secret@a,b', 'redis-sentinel:// or redis-cluster:// to have several hosts'],
    ['redis://a#main', 'must have no # unless'],
    ['redis-sentinel://a,b', 'must end with # and the name'],
    ['redis-sentinel://a,b#', 'must end with # and the name'],
    ['redis-cluster://a,b/1', 'must name no database'],
    ['redis-cluster://a,,b', 'must be like redis://host:port'],
    ['redis://a:port', 'must be like redis://host:port'],
    ['redis://a/b', 'the number of the database'],
    ['redis://u:secret?@a', 'must have no ?'],
    ['redis://u:sec,secret@a', 'written as %2C'],
    ['redis://u:%secret@a', 'written as %25'],
  ])('is refused without being repeated: %s', (text, message) => {
    expect(() => parseRedisUrl(text)).toThrow(message);
    expect(() => parseRedisUrl(text)).toThrow(RangeError);
    expect(() => parseRedisUrl(text)).not.toThrow('secret');
  });
});
