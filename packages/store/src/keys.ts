import type { RouterName } from '@mgm/protocol';

/** A kind of key of a router. The Lua names of keys and docs/redis-keys.md are generated from this table. */
export interface KeyFamily {
  /** Its name in scripts: `meta_key`, `client_key(number)`. */
  readonly name: string;
  readonly type: 'hash' | 'zset' | 'stream' | 'string';
  /** The text after `<key prefix>:{<router>}:`. */
  readonly suffix: string;
  /** Completes the suffix of a kind that has many keys. */
  readonly part?: { readonly name: string; readonly type: 'integer' | 'text' };
  readonly what: string;
}

export const KEY_FAMILIES: readonly KeyFamily[] = [
  {
    name: 'meta',
    type: 'hash',
    suffix: 'meta',
    what: '`schema`, and packed in `state`: revision, last epoch, log id; the service clock, when it was last seen, and until when a manager promised to serve; sessions older than its `reset_epoch` must register again; the epoch at which the log `began`, the longest lease ever granted, and of the hold-off after data loss its start (`hold_from`, on the service clock), its length and whether an operator ended it',
  },
  {
    name: 'interface',
    type: 'string',
    suffix: 'if:',
    part: { name: 'interface', type: 'text' },
    what: 'six numbers of 8 bytes for one held interface, named `<ifIndex>:<nextHop>`: owning client, epoch, since, and the same of IGMP. Deleted when free',
  },
  {
    name: 'client',
    type: 'hash',
    suffix: 'client:',
    part: { name: 'number', type: 'integer' },
    what: 'a client, packed in `record`: its pair, present session, secret, instance, lease, state, epoch floor, mailbox counter, `ack`, `highest` (the largest `seq` answered); and `answers:<page>`, the replies of one batch, until `ack` has passed them. Expires ten minutes after the client ended and was swept',
  },
  {
    name: 'clients',
    type: 'hash',
    suffix: 'clients',
    what: '`p:<protocolId>:<componentId>` and `s:<session>` to the client number, while the session is live or stale',
  },
  {
    name: 'roster',
    type: 'zset',
    suffix: 'roster',
    what: 'numbers of the live and stale clients, in order, for listings',
  },
  {
    name: 'owned',
    type: 'zset',
    suffix: 'owned:',
    part: { name: 'number', type: 'integer' },
    what: 'the interfaces a client is on, in the order in which it got them: the score is the epoch clock at the end of the batch',
  },
  {
    name: 'leases',
    type: 'zset',
    suffix: 'leases',
    what: "the sweeper's queue: client number by the instant, on the service clock, at which its lease or grace time is over; 0 for one that ended",
  },
  {
    name: 'mailbox',
    type: 'stream',
    suffix: 'mailbox:',
    part: { name: 'session', type: 'integer' },
    what: 'callbacks not yet acknowledged; one entry per batch, id `<last seq>-0`. Deleted with its session',
  },
  {
    name: 'claims',
    type: 'hash',
    suffix: 'claims',
    what: 'during a hold-off: the interfaces taken again by their former owners, and the epochs under which these had them. Expires after an hour',
  },
  {
    name: 'identities',
    type: 'hash',
    suffix: 'identities',
    what: 'identity to the number of its sessions that are live or stale, where managers identify callers',
  },
  {
    name: 'operator_log',
    type: 'stream',
    suffix: 'operator-log',
    what: 'actions of operators and their refused attempts, one entry each, id `<number>-0`. Expires long after the last one',
  },
  {
    name: 'events',
    type: 'stream',
    suffix: 'events',
    what: 'the event log; one entry per batch with all its events, id `<last rev>-0`. Events that differ only in revision, interface and epoch are one run',
  },
];

/** The key of a router that is passed to scripts, which derive its other keys from it; all share one hash slot. */
export function metaKey(keyPrefix: string, router: RouterName): string {
  return `${keyPrefix}:{${router}}:meta`;
}

/** The set of the routers in use. */
export function routersKey(keyPrefix: string): string {
  return `${keyPrefix}:routers`;
}

/** The sorted set of the idle routers that still have data, by the instant at which a sweep found them idle. */
export function idleKey(keyPrefix: string): string {
  return `${keyPrefix}:idle-routers`;
}

/** The id of the store: which of several Redis servers and key prefixes this is. */
export function storeIdKey(keyPrefix: string): string {
  return `${keyPrefix}:store-id`;
}
