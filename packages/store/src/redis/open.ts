import { ClusterLink } from './cluster.ts';
import { RedisLink, type Link, type LinkOptions } from './link.ts';
import { parseRedisUrl, type RedisCredentials } from './url.ts';

/** Connects in the background and keeps trying. Throws `RangeError` for a URL that `parseRedisUrl` refuses. */
export function openLink({
  url,
  credentials = {},
  ...options
}: LinkOptions & {
  readonly url: string;
  readonly credentials?: RedisCredentials | undefined;
}): Link {
  const address = { ...parseRedisUrl(url), credentials };
  if (address.kind === 'cluster') return new ClusterLink({ ...options, address });
  return new RedisLink({ ...options, address });
}
