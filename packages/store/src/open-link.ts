import { ClusterLink } from './cluster-link.ts';
import type { Link, LinkOptions } from './link.ts';
import { RedisLink } from './redis-link.ts';
import { parseRedisUrl } from './redis-url.ts';

/** Connects in the background and for ever. Throws `RangeError` for a URL that is none. */
export function openLink({ url, ...options }: LinkOptions): Link {
  const address = parseRedisUrl(url);
  if (address.kind === 'cluster') return new ClusterLink({ ...options, address });
  return new RedisLink({ ...options, address });
}
