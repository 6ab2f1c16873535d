import { expect, it } from 'vitest';
import { parseNatsUrls, withoutSecrets } from './server-urls.ts';

it.each([
  ['nats://a:4222', { servers: ['a:4222'], tls: false }],
  ['nats://a, nats://b:5', { servers: ['a', 'b:5'], tls: false }],
  ['nats://10.0.0.1:4222', { servers: ['10.0.0.1:4222'], tls: false }],
  ['tls://a', { servers: ['a'], tls: true }],
  ['nats://u:p%40ss@a,nats://b', { servers: ['a', 'b'], tls: false, user: 'u', pass: 'p@ss' }],
  ['nats://s3cret@a', { servers: ['a'], tls: false, token: 's3cret' }],
  [
    'nats://u:657227@[::1]:4222',
    { servers: ['[::1]:4222'], tls: false, user: 'u', pass: '657227' },
  ],
])('reads %s', (text, expected) => expect(parseNatsUrls(text)).toEqual(expected));

it.each([
  ['a:4222', 'must be like nats://host:port or tls://host:port'],
  ['http://a', 'must be like'],
  ['nats://a/path', 'must end with the port'],
  ['nats://a?x=1', 'must have no ? and no #'],
  ['nats://a:0', 'a port from 1 to 65535'],
  ['nats://a:65536', 'must be like'],
  ['nats://010.0.0.1', 'four decimal parts'],
  ['nats://0x0a.0.0.1:4222', 'four decimal parts'],
  ['nats://10.1', 'four decimal parts'],
  ['nats://167772161', 'four decimal parts'],
  ['nats://10.0.0.256', 'four decimal parts'],
  ['nats://a,tls://b', 'must not mix'],
  ['nats://u:1@a,nats://u:2@b', 'the same user and password'],
  ['nats://u%:secret@a', 'written as %25'],
])('refuses %s without repeating it', (text, message) => {
  expect(() => parseNatsUrls(text)).toThrow(message);
  expect(() => parseNatsUrls(text)).not.toThrow('secret');
});

it('replaces what may be secret', () => {
  expect(withoutSecrets('nats://u:p@a,nats://b')).toBe('nats://***@a,nats://b');
  expect(withoutSecrets('redis://u:p,q@r@a:1/2')).toBe('redis://***@a:1/2');
  expect(withoutSecrets('redis-cluster://u:p@a,b')).toBe('redis-cluster://***@a,b');
});
