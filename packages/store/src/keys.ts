import type { RouterName } from '@mgm/protocol';

/** The newest schema of a router's data that the scripts read and write: the highest number in `lua/lib/router.lua`. */
export const NEWEST_SCHEMA = 4;

/** A kind of key of a router. The Lua names of keys and docs/redis-keys.md are generated from this table. */
export interface KeyFamily {
  /** Its name in scripts: `meta_key`, `client_key(number)`. */
  readonly name: string;
  readonly type: 'hash' | 'zset' | 'stream' | 'string' | 'list';
  /** The text after `<key prefix>:{<router>}:`. */
  readonly suffix: string;
  /** Completes the suffix of a kind that has many keys. */
  readonly part?: { readonly name: string; readonly type: 'integer' | 'text' };
  /** Kept when the data of an idle router is deleted. */
  readonly isKept?: true;
  readonly what: string;
}

export const KEY_FAMILIES: readonly KeyFamily[] = [
  {
    name: 'meta',
    type: 'hash',
    suffix: 'meta',
    what: '`schema`, and packed in `state`: revision, last epoch, log id; the service clock, when it was last seen, and until when a manager promised to serve; sessions older than its `reset_epoch` must register again; the epoch at which the log `began`, the longest lease ever granted, and of the hold-off after data loss its start (`hold_from`, on the service clock), its length and whether an operator ended it. Packed in `members`, once there was a membership: `mrev` and its log, counts of entries, slots, void slots, clients that end, interfaces with settings of their owner, with static memberships and with settings of operators, exclude lists, and the positions of the sweep. Packed in `view`, once there was a route or a forwarding entry: `rrev`, `frev`, the numbers of routes and of forwarding entries, the prefix lengths in use, the positions of the tasks in `dirty`, and rules of overrides that a task has yet to write. The schema is 4 while there is a route, a forwarding entry, a static membership, a setting of an interface or an exclude list, else 3 while there is a membership, else 2',
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
    what: 'a client, packed in `record`: its pair, present session, secret, instance, lease, state, epoch floor, mailbox counter, `ack`, `highest` (the largest `seq` answered); in `member`, of clients with alerts or memberships, the mask of alert types, the slots that name the client, its routes, and counts of alert items; and `answers:<page>`, the replies of one batch, until `ack` has passed them. Expires ten minutes after the client ended and was swept',
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
    what: 'callbacks and alerts not yet acknowledged; one entry per batch, id `<last seq>-0`. With alerts also how many alert items came before the entry. Deleted with its session',
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
    what: 'where managers identify callers: identity to the number of its sessions that are live or stale; with `:interfaces` to the number of interfaces that these are on; with `:kept-bytes` to the size of the replies kept for them',
  },
  {
    name: 'operator_log',
    type: 'stream',
    suffix: 'operator-log',
    isKept: true,
    what: 'actions of operators and their refused attempts, one entry each, id `<number>-0`. Expires long after the last one',
  },
  {
    name: 'memberships',
    type: 'hash',
    suffix: 'memberships',
    what: 'the memberships of each (s,g), (\\*,g) and (\\*,\\*), by its name: per holder and client that they count for, both client numbers, a count, and the set of slots, as a list of up to 48 numbers or as pages of 256 bits. The name is the family, `4` or `6`, then group and source in hexadecimal without the wildcards at the end',
  },
  {
    name: 'entries',
    type: 'zset',
    suffix: 'entries',
    what: 'the names of all entries, in byte order: the order of listings and of the passes of the sweep',
  },
  {
    name: 'slots',
    type: 'hash',
    suffix: 'slots',
    what: 'one slot per hold with memberships, by number: interface, holder, the client that they count for, both epochs, how many memberships, how many of their entries are in `names`; how many exclude lists; and once it is void, the cause and whether a window ended it',
  },
  {
    name: 'on',
    type: 'string',
    suffix: 'on:',
    part: { name: 'interface', type: 'text' },
    what: "numbers of 4 bytes: the present slots of an interface's owner and of IGMP; the settings of the owner's hold (1 `advise`, 2 `wrongIf`); where there are static memberships also their slot that counts for a client, and the one of all of them. Zeros at the end are left out, but for the first two",
  },
  {
    name: 'static',
    type: 'zset',
    suffix: 'static:',
    part: { name: 'interface', type: 'text' },
    what: 'the names of the entries of the static memberships of an interface, in byte order',
  },
  {
    name: 'set',
    type: 'string',
    suffix: 'set:',
    part: { name: 'interface', type: 'text' },
    what: 'settings of an interface by operators, packed: `maxGroups`, `maxEntries`, `lite`; the number of groups with memberships on it, whether those of the owner and of IGMP are counted, and up to which entry',
  },
  {
    name: 'groups',
    type: 'hash',
    suffix: 'groups:',
    part: { name: 'interface', type: 'text' },
    what: 'the number of memberships of each group on an interface with `maxGroups`, by the name of its (\\*,g)',
  },
  {
    name: 'excludes',
    type: 'hash',
    suffix: 'excludes',
    what: 'the exclude lists of memberships, by `<slot> <entry>`: the sources in hexadecimal, in order, one after the other',
  },
  {
    name: 'names',
    type: 'string',
    suffix: 'names:',
    part: { name: 'slot', type: 'integer' },
    what: 'the names of the entries of a slot, while it has at most 256: so the end of a small hold is settled without a pass over all entries',
  },
  {
    name: 'void',
    type: 'string',
    suffix: 'void',
    what: 'a bitmap of the void slots: their memberships are withdrawn and not yet purged',
  },
  {
    name: 'voided',
    type: 'zset',
    suffix: 'voided',
    what: 'the void slots that have a list of names, by the revision at which they became void',
  },
  {
    name: 'free',
    type: 'list',
    suffix: 'free',
    what: 'slot numbers to be used again',
  },
  {
    name: 'alerted',
    type: 'zset',
    suffix: 'alerted',
    what: 'numbers of the clients whose sessions receive alerts, in order',
  },
  {
    name: 'mlog',
    type: 'stream',
    suffix: 'mlog',
    what: 'the log of memberships; one entry per batch, id `<last mrev>-0`',
  },
  {
    name: 'rib',
    type: 'hash',
    suffix: 'rib',
    what: 'routes by prefix, one per client: its number, interface, neighbour, protocol, preference. A prefix is the family, `4` or `6`, the network in hexadecimal, and the length as two hexadecimal digits',
  },
  {
    name: 'prefixes',
    type: 'zset',
    suffix: 'prefixes',
    what: 'the names of all prefixes with routes, in byte order, for listings',
  },
  {
    name: 'routes',
    type: 'zset',
    suffix: 'routes:',
    part: { name: 'number', type: 'integer' },
    what: 'the prefixes of a client',
  },
  {
    name: 'via',
    type: 'zset',
    suffix: 'via:',
    part: { name: 'interface', type: 'text' },
    what: 'the prefixes that have a route over an interface',
  },
  {
    name: 'sources',
    type: 'zset',
    suffix: 'sources',
    what: 'the (s,g) entries as family, source, group: those behind a prefix are a range. Kept while there are routes or forwarding entries',
  },
  {
    name: 'notified',
    type: 'hash',
    suffix: 'notified',
    what: '(s,g) entry to the number of the client that was notified last of it',
  },
  {
    name: 'mfe',
    type: 'hash',
    suffix: 'mfe',
    what: 'forwarding entries by name, as of (s,g) entries: incarnation, owner and epoch of the incoming interface, interface of the route, creation on the service clock, time-out, upstream router, prefix and protocol of the route, a foreign outgoing interface, a digest of what was pushed last, overrides with the client and the hold that they belong to, the last rule of overrides that they follow, and which of upstream router and route the owner set. Outgoing interfaces are derived from memberships and overrides',
  },
  {
    name: 'mfes',
    type: 'zset',
    suffix: 'mfes',
    what: 'the names of all forwarding entries, in byte order, for listings',
  },
  {
    name: 'mfe_index',
    type: 'zset',
    suffix: 'mfe-index',
    what: 'forwarding entries by source (`s`), by an incoming interface that is not that of the route (`i`), and by interfaces that FORWARD put on (`o`) or off (`v`)',
  },
  {
    name: 'mfe_expiry',
    type: 'zset',
    suffix: 'mfe-expiry',
    what: 'forwarding entries by the instant, on the service clock, at which their time is over',
  },
  {
    name: 'creating',
    type: 'string',
    suffix: 'creating:',
    part: { name: 'entry', type: 'text' },
    what: 'the incarnation of a forwarding entry whose owners are being asked. Expires after two seconds',
  },
  {
    name: 'flog',
    type: 'stream',
    suffix: 'flog',
    what: 'the log of forwarding entries; one entry per batch, id `<last frev>-0`',
  },
  {
    name: 'agents',
    type: 'zset',
    suffix: 'agents',
    what: 'the live sessions that reported a `frev` as agents, in order, for listings',
  },
  {
    name: 'programmed',
    type: 'zset',
    suffix: 'programmed',
    what: 'the same sessions, by the `frev` up to which their forwarding plane is programmed',
  },
  {
    name: 'failures',
    type: 'hash',
    suffix: 'failures',
    what: 'session to the number of forwarding entries that it reports as failed',
  },
  {
    name: 'mfe_failed',
    type: 'hash',
    suffix: 'mfe-failed',
    what: 'forwarding entry to its incarnation and, for up to 64 sessions, why they could not program it. Deleted with the entry',
  },
  {
    name: 'mfe_stats',
    type: 'hash',
    suffix: 'mfe-stats',
    what: 'forwarding entry to its incarnation and, for up to 64 sessions, the counters that they reported last. Deleted with the entry',
  },
  {
    name: 'dirty',
    type: 'zset',
    suffix: 'dirty',
    what: 'what the sweep has to re-evaluate after changes of routes, of the ownership of interfaces and of memberships with many forwarding entries, in the order in which it arose',
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
