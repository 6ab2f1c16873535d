import { readServerUrl } from '@mgm/protocol';

/**
 * Checks a Redis URL: `redis://[user:pass@]host[:port][/db]`, `rediss://` for TLS. Throws `RangeError` that tells what is
 * wrong without repeating the text, which may hold a password.
 */
export function checkRedisUrl(text: string): void {
  const url = readServerUrl(text, ['redis:', 'rediss:']);
  if (!/^(\/[0-9]*)?$/.test(url.pathname)) {
    throw new RangeError('must end with the port or the number of the database');
  }
}
