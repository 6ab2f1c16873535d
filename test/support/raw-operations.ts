import type { Fields } from './raw-codec.ts';

/**
 * The operations of the wire contract, written from its text: the fields of their replies, a valid request, and wrong values
 * of every field of a request.
 */

export interface IgmpHold {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: number;
  readonly epoch: string;
}

export interface Owner extends IgmpHold {
  readonly name: string;
  readonly since: number;
  readonly stale: boolean;
  readonly igmp?: IgmpHold;
}

export interface InterfaceItem extends Owner {
  readonly ifIndex: number;
  readonly nextHop: string;
}

export interface SessionItem {
  readonly session: number;
  readonly protocolId: number;
  readonly componentId: number;
  readonly name: string;
  readonly state: string;
  readonly expiresInMs: number;
  readonly interfaces: number;
}

export interface EventMessage {
  readonly rev: number;
  readonly ts: number;
  readonly type: string;
  readonly session?: number;
  readonly protocolId?: number;
  readonly componentId?: number;
  readonly ifIndex?: number;
  readonly nextHop?: string;
  readonly epoch?: string;
  readonly previous?: number;
  readonly cause?: string;
  readonly actor?: string;
  readonly why?: string;
}

export interface Callback {
  readonly seq: number;
  readonly type: string;
  readonly ts: number;
  readonly ifIndex: number;
  readonly nextHop: string;
  readonly rev?: number;
  readonly epoch?: string;
  readonly cause: string;
  readonly why?: string;
  /** Of alerts, which name no interface of their own. */
  readonly items?: readonly Item[];
  readonly mrev?: number;
  readonly memberUpdate?: boolean;
  readonly memberDelete?: boolean;
  readonly window?: boolean;
  readonly frev?: number;
}

/** An element of a list of memberships, entries or groups. */
export type Item = readonly unknown[];

export interface MembershipMessage {
  readonly first: number;
  readonly mrev: number;
  readonly ts: number;
  readonly type: string;
  readonly session: number;
  readonly protocolId: number;
  readonly componentId: number;
  readonly countsFor: number;
  readonly cause: string;
  readonly items: readonly Item[];
}

/** A forwarding entry. */
export interface Mfe {
  readonly group: string;
  readonly source: string;
  readonly incarnation: number;
  readonly ifIndex: number;
  readonly nextHop: string;
  readonly iifEpoch: string;
  readonly protocolId: number;
  readonly session: number;
  readonly upstream?: string;
  readonly route?: {
    readonly network: string;
    readonly length: number;
    readonly protocolId: number;
  };
  readonly upMs: number;
  readonly expiresInMs: number;
  readonly timeoutMs: number;
  readonly oifs: readonly Item[];
  readonly oifCount: number;
  readonly foreignAlerted: boolean;
  readonly failed?: readonly Item[];
}

/** A forwarding entry with its counters. */
export interface MfeStats extends Mfe {
  readonly inPkts: number;
  readonly inOctets: number;
  readonly pktsDifferentIf: number;
  readonly queueOverflow: number;
  readonly uninitMfe?: number;
  readonly negativeMfe?: number;
  readonly inDiscards?: number;
  readonly inHdrErrors?: number;
  readonly totalOutPackets?: number;
}

/** Changes of forwarding entries, pushed on `mfe`. */
export interface MfeMessage {
  readonly first: number;
  readonly last: number;
  readonly ts: number;
  readonly items: readonly Item[];
}

export interface Head {
  readonly rev: number;
  readonly first: number;
  readonly ts: number;
  readonly log: string;
  readonly mrev: number;
  readonly mfirst: number;
  readonly settled: number;
  readonly frev: number;
  readonly ffirst: number;
  readonly msettled: number;
  readonly rrev: number;
  readonly rsettled: number;
  readonly schema: number;
}

export interface BulkResult {
  readonly status: number;
  readonly epoch?: string;
  readonly error?: string;
  readonly reason?: string;
  readonly holder?: Owner;
}

/** A page of `groups` or `members`. */
export interface MemberPage {
  readonly items: readonly Item[];
  readonly cursor?: unknown;
  readonly mrev: number;
  readonly settled: number;
  readonly log: string;
}

/** The reply of `member.add` and `member.delete`, single or in bulk. */
export interface MemberChange {
  readonly changed: boolean;
  readonly matched?: number;
  readonly count: number;
  readonly failed: readonly Item[];
  readonly mrev: number;
}

/** The reply of `rib.set` and `rib.delete`. */
export interface RouteChange {
  readonly count: number;
  readonly failed: readonly (readonly unknown[])[];
  readonly rrev: number;
}

/** Fields of a reply with status 0, by operation. For take and release these are the fields of single and bulk requests. */
export interface ReplyFields {
  register: {
    readonly handle: string;
    readonly session: number;
    readonly ttlMs: number;
    readonly graceMs: number;
    readonly mailbox: number;
    readonly resumed: boolean;
    readonly owned?: number;
    readonly epoch?: string;
    readonly alerts: readonly string[];
  };
  keepalive: { readonly ttlMs: number; readonly mailbox: number };
  deregister: object;
  take: { readonly epoch: string; readonly results: readonly BulkResult[] };
  release: { readonly results: readonly BulkResult[] };
  owner: Owner;
  validate: { readonly current: string };
  interfaces: {
    readonly items: readonly InterfaceItem[];
    readonly cursor?: unknown;
    readonly log: string;
  };
  sessions: { readonly items: readonly SessionItem[]; readonly cursor?: unknown };
  events: {
    readonly events: readonly EventMessage[];
    readonly head: number;
    readonly first: number;
    readonly log: string;
  };
  mailbox: { readonly messages: readonly Callback[]; readonly head: number };
  'member.add': MemberChange;
  'member.delete': MemberChange;
  groups: MemberPage & { readonly mailbox?: number };
  members: MemberPage;
  'member.events': {
    readonly events: readonly MembershipMessage[];
    readonly head: number;
    readonly first: number;
    readonly log: string;
  };
  'interface.set': { readonly changed: boolean };
  'member.set': {
    readonly added: number;
    readonly removed: number;
    readonly updated: boolean;
    readonly mrev: number;
  };
  'rib.set': RouteChange;
  'rib.delete': RouteChange;
  'rib.resolve': {
    readonly network: string;
    readonly length: number;
    readonly ifIndex: number;
    readonly nextHop: string;
    readonly neighbour: string;
    readonly protocolId: number;
    readonly owner?: Owner;
  };
  'rib.list': {
    readonly items: readonly (readonly unknown[])[];
    readonly cursor?: unknown;
    readonly rrev: number;
  };
  'flow.new': {
    readonly results: readonly {
      readonly state: string;
      readonly mfe?: Mfe;
      readonly reason?: string;
      readonly field?: string;
      readonly retryAfterMs?: number;
    }[];
  };
  'flow.stats': { readonly count: number };
  'flow.wrongif': { readonly count: number };
  'flow.failed': { readonly count: number };
  'mfe.get': { readonly mfe: Mfe; readonly frev: number; readonly programmed?: number };
  'mfe.list': {
    readonly items: readonly Mfe[];
    readonly cursor?: unknown;
    readonly frev: number;
    readonly programmed?: number;
    readonly log: string;
  };
  'mfe.stats': {
    readonly stats?: MfeStats;
    readonly items?: readonly MfeStats[];
    readonly cursor?: unknown;
    readonly frev: number;
    readonly log?: string;
  };
  'mfe.set': { readonly frev: number };
  fib: {
    readonly changes: readonly MfeMessage[];
    readonly head: number;
    readonly first: number;
    readonly log: string;
  };
  agents: {
    readonly items: readonly {
      readonly session: number;
      readonly name: string;
      readonly frev: number;
      readonly failed: number;
    }[];
    readonly cursor?: unknown;
    readonly frev: number;
    readonly log: string;
  };
  'admin.release': { readonly previous: Owner };
  'admin.evict': { readonly released: number };
  'admin.end-holdoff': { readonly leftMs: number };
  'admin.events': {
    readonly events: readonly Readonly<Record<string, unknown>>[];
    readonly head: number;
    readonly first: number;
  };
  'admin.member.add': { readonly changed: boolean; readonly mrev: number };
  'admin.member.delete': { readonly changed: boolean; readonly mrev: number };
  'admin.interface.set': {
    readonly changed: boolean;
    readonly maxGroups: number;
    readonly maxEntries: number;
    readonly lite: boolean;
  };
}

export type Op = keyof ReplyFields;

const ABSENT = undefined;

const NO_NUMBER: readonly unknown[] = ['7', true, {}, [7], 1.5, -1, 2n ** 64n - 1n];
const U32 = [...NO_NUMBER, 4_294_967_296];
const COUNTER = [...NO_NUMBER, 2 ** 53];
const TEXT: readonly unknown[] = [7, true, {}, ['x']];
const BOOLEAN: readonly unknown[] = ['yes', 'true', 1, {}];
const HANDLE = [ABSENT, ...TEXT, 'x'.repeat(65), '€'.repeat(22)];
const EPOCH: readonly unknown[] = [7, true, {}, ['7'], 'seven', '-7', '7.5', '', '0x7', '7 '];
const NEXT_HOP: readonly unknown[] = [
  ...['nowhere', ' ', '10.0.0', '10.0.0.256', '10.0.0.1.1', '10.0.0.1/24', '1::2::3', '1:2:3', ':'],
  ...['::ffff:010.0.0.1', '::ffff:0x0a.0.0.1', '010.0.0.1', '::1.2.3', 'fe80::1%eth0'],
  ...['12345::', 'g::1', -1, 4_294_967_296, 1.5, true, {}, []],
];
const IF_INDEX = [0, ...U32];
/** No multicast groups, and texts that are no addresses. */
const GROUP: readonly unknown[] = [
  ...['nowhere', ' ', '10.0.0.1', '239.1.1', '239.1.1.1/24', 'ff0f::1', 'fe80::1', true, {}, []],
  ...[-1, 1.5, 4_294_967_296],
];
/** No unicast sources of an IPv4 group, and texts that are no addresses. */
const SOURCE: readonly unknown[] = [
  ...['nowhere', ' ', '224.0.0.1', '127.0.0.1', '240.0.0.1', '2001:db8::1', true, {}, []],
  ...[-1, 1.5, 4_294_967_296],
];
const MEMBER_CHANGE = {
  handle: HANDLE,
  seq: [ABSENT, 0, ...COUNTER],
  ack: [ABSENT, 0, 3, ...COUNTER],
  ifIndex: IF_INDEX,
  nextHop: NEXT_HOP,
  group: GROUP,
  source: SOURCE,
  flags: [0, 4, ...U32],
  epoch: EPOCH,
  deadlineMs: NO_NUMBER,
};

const STATIC_MEMBERSHIP = {
  ifIndex: [ABSENT, ...IF_INDEX],
  nextHop: NEXT_HOP,
  group: GROUP,
  source: SOURCE,
  actor: [ABSENT, ...TEXT],
  why: [ABSENT, ...TEXT],
  deadlineMs: NO_NUMBER,
};

const ROUTE_CHANGE = {
  handle: HANDLE,
  seq: [ABSENT, 0, ...COUNTER],
  ack: [ABSENT, 0, 3, ...COUNTER],
  routes: [ABSENT, ...TEXT, [], [[]], [['10.0.0.0']], [['nowhere', 8]], [['10.0.0.0', -1]]],
  deadlineMs: NO_NUMBER,
};

/** An item of `flow.stats`. */
const STATS: readonly unknown[] = ['239.1.1.1', '10.0.0.1', 7, 1, 2, 3, 4, 5, 6, 7, 8, []];

/** Wrong values of every field of every operation; `undefined` for a field that must be present. */
export const WRONG: Readonly<Record<Op, Readonly<Record<string, readonly unknown[]>>>> = {
  register: {
    protocolId: [ABSENT, ...U32],
    componentId: [ABSENT, ...U32],
    instance: [ABSENT, ...TEXT, '', 'x'.repeat(15), 'x'.repeat(65)],
    name: TEXT,
    ttlMs: [0, 999, 300_001, ...U32],
    graceMs: [3_600_001, ...U32],
    takeover: BOOLEAN,
    deadlineMs: NO_NUMBER,
  },
  keepalive: {
    handle: HANDLE,
    ack: COUNTER,
    mailboxAck: COUNTER,
    frev: COUNTER,
    deadlineMs: NO_NUMBER,
  },
  deregister: {
    handle: HANDLE,
    seq: [ABSENT, 0, ...COUNTER],
    ack: [ABSENT, 0, ...COUNTER],
    force: BOOLEAN,
    deadlineMs: NO_NUMBER,
  },
  take: {
    handle: HANDLE,
    seq: [ABSENT, 0, ...COUNTER],
    ack: [ABSENT, 0, 3, ...COUNTER],
    ifIndex: IF_INDEX,
    nextHop: NEXT_HOP,
    deadlineMs: NO_NUMBER,
  },
  release: {
    handle: HANDLE,
    seq: [ABSENT, 0, ...COUNTER],
    ack: [ABSENT, 0, 3, ...COUNTER],
    ifIndex: IF_INDEX,
    nextHop: NEXT_HOP,
    epoch: EPOCH,
    deadlineMs: NO_NUMBER,
  },
  owner: { ifIndex: [ABSENT, ...IF_INDEX], nextHop: NEXT_HOP, deadlineMs: NO_NUMBER },
  validate: {
    ifIndex: [ABSENT, ...IF_INDEX],
    nextHop: NEXT_HOP,
    epoch: [ABSENT, ...EPOCH],
    deadlineMs: NO_NUMBER,
  },
  interfaces: {
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    protocolId: U32,
    session: COUNTER,
    deadlineMs: NO_NUMBER,
  },
  sessions: { cursor: [true, {}], limit: U32, deadlineMs: NO_NUMBER },
  events: { from: [ABSENT, ...COUNTER], limit: U32, deadlineMs: NO_NUMBER },
  mailbox: { handle: HANDLE, from: [ABSENT, ...COUNTER], limit: U32, deadlineMs: NO_NUMBER },
  'member.add': MEMBER_CHANGE,
  'member.delete': MEMBER_CHANGE,
  groups: {
    handle: [...TEXT, 'x'.repeat(65)],
    type: [...TEXT, 'some'],
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    deadlineMs: NO_NUMBER,
  },
  members: {
    group: ['nowhere', true, {}, [], -1, 1.5],
    session: COUNTER,
    ifIndex: IF_INDEX,
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    deadlineMs: NO_NUMBER,
  },
  'member.events': { from: [ABSENT, ...COUNTER], limit: U32, deadlineMs: NO_NUMBER },
  'interface.set': {
    handle: HANDLE,
    seq: [ABSENT, ...COUNTER, 0],
    ack: [ABSENT, ...COUNTER, 0],
    ifIndex: [ABSENT, ...IF_INDEX],
    nextHop: NEXT_HOP,
    epoch: EPOCH,
    localMembers: [...TEXT, 'refuse'],
    wrongIf: BOOLEAN,
    deadlineMs: NO_NUMBER,
  },
  'member.set': {
    handle: HANDLE,
    seq: [ABSENT, ...COUNTER, 0],
    ack: [ABSENT, ...COUNTER, 0],
    ifIndex: [ABSENT, ...IF_INDEX],
    nextHop: NEXT_HOP,
    group: [ABSENT, null, '', 0, '::', ...GROUP],
    mode: [ABSENT, ...TEXT, 'all'],
    sources: [
      ...[ABSENT, ...TEXT, [''], [0], ['224.0.0.1'], ['2001:db8::1']],
      ...[['10.0.0.1', 0x0a000001], Array.from({ length: 513 }, (_, at) => 0x0a000000 + at)],
    ],
    epoch: EPOCH,
    deadlineMs: NO_NUMBER,
  },
  'rib.set': ROUTE_CHANGE,
  'rib.delete': ROUTE_CHANGE,
  'rib.resolve': {
    source: [ABSENT, null, '', 0, '::', ...SOURCE.filter((one) => one !== '2001:db8::1')],
    deadlineMs: NO_NUMBER,
  },
  'rib.list': {
    session: COUNTER,
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    deadlineMs: NO_NUMBER,
  },
  'flow.new': {
    handle: HANDLE,
    flows: [
      ...[ABSENT, ...TEXT, [], [[]], [['239.1.1.1', '10.0.0.1', 7]]],
      ...[[['nowhere', '10.0.0.1', 7, '']], [['239.1.1.1', '10.0.0.1', 0, '']]],
      ...[[['239.1.1.1', '10.0.0.1', 7, 'x']], [['239.1.1.1', '10.0.0.1', 7, '', 'no bytes']]],
    ],
    deadlineMs: NO_NUMBER,
  },
  'flow.stats': {
    handle: HANDLE,
    items: [
      ...[ABSENT, ...TEXT, [], [[]], [STATS.slice(0, -1)], [[...STATS.slice(0, -1), 7]]],
      ...STATS.slice(0, -1).map((_, at) => [STATS.with(at, -1)]),
      ...[[7], [0, '', 0, 0, 0, 0], [7, 'x', 0, 0, 0, 0], [7, '', 0, 0, 0, 0.5]].map((oif) => [
        STATS.with(-1, [oif]),
      ]),
    ],
    deadlineMs: NO_NUMBER,
  },
  'flow.wrongif': {
    handle: HANDLE,
    items: [
      ...[ABSENT, ...TEXT, [], [[]], [['239.1.1.1', '10.0.0.1', 7, '']]],
      ...[[['nowhere', '10.0.0.1', 7, '', 1]], [['239.1.1.1', '', 7, '', 1]]],
      ...[[['239.1.1.1', '10.0.0.1', 0, '', 1]], [['239.1.1.1', '10.0.0.1', 7, 'x', 1]]],
      ...[[['239.1.1.1', '10.0.0.1', 7, '', 0]], [['239.1.1.1', '10.0.0.1', 7, '', 1, 'text']]],
    ],
    deadlineMs: NO_NUMBER,
  },
  'flow.failed': {
    handle: HANDLE,
    items: [
      ...[ABSENT, ...TEXT, [], [[]], [['239.1.1.1', '10.0.0.1', 7]]],
      ...[[['nowhere', '10.0.0.1', 7, '']], [['239.1.1.1', '', 7, '']]],
      ...[[['239.1.1.1', '10.0.0.1', 0, '']], [['239.1.1.1', '10.0.0.1', 7, 7]]],
    ],
    deadlineMs: NO_NUMBER,
  },
  'mfe.get': {
    group: [ABSENT, null, '', 0, '::', ...GROUP],
    source: [ABSENT, null, '', 0, ...SOURCE],
    deadlineMs: NO_NUMBER,
  },
  'mfe.list': {
    after: [null, 'x', true, {}, [], ['239.1.1.1'], ['239.1.1.1', ''], ['', '10.0.0.1']],
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    deadlineMs: NO_NUMBER,
  },
  'mfe.stats': {
    group: [null, '', 0, '::', ...GROUP],
    source: [null, '', 0],
    after: [null, 'x', true, {}, [], ['239.1.1.1'], ['239.1.1.1', ''], ['', '10.0.0.1']],
    cursor: [true, {}],
    limit: [0, 1001, ...U32],
    flags: [0, 3, ...U32],
    deadlineMs: NO_NUMBER,
  },
  'mfe.set': {
    handle: HANDLE,
    seq: [ABSENT, 0, ...COUNTER],
    ack: [ABSENT, 0, 10_000, ...COUNTER],
    group: [ABSENT, '', 7, true, '10.0.0.1'],
    source: [ABSENT, '', true, '239.0.0.1'],
    upstream: [true, -1, 'x'],
    timeoutMs: [999, 86_400_001, ...NO_NUMBER],
    incarnation: [0, ...NO_NUMBER],
    epoch: [1, 'x'],
    deadlineMs: NO_NUMBER,
  },
  agents: { cursor: [true, {}], limit: [0, 1001, ...U32], deadlineMs: NO_NUMBER },
  fib: { from: [ABSENT, ...COUNTER], limit: U32, deadlineMs: NO_NUMBER },
  'admin.release': {
    ifIndex: [ABSENT, ...IF_INDEX],
    nextHop: NEXT_HOP,
    epoch: EPOCH,
    actor: [ABSENT, ...TEXT],
    why: [ABSENT, ...TEXT],
    deadlineMs: NO_NUMBER,
  },
  'admin.evict': {
    session: [ABSENT, ...COUNTER],
    actor: [ABSENT, ...TEXT],
    why: [ABSENT, ...TEXT],
    deadlineMs: NO_NUMBER,
  },
  'admin.end-holdoff': {
    actor: [ABSENT, ...TEXT],
    why: [ABSENT, ...TEXT],
    deadlineMs: NO_NUMBER,
  },
  'admin.events': { from: [ABSENT, ...COUNTER], limit: U32, deadlineMs: NO_NUMBER },
  'admin.member.add': STATIC_MEMBERSHIP,
  'admin.member.delete': STATIC_MEMBERSHIP,
  'admin.interface.set': {
    ifIndex: [ABSENT, ...IF_INDEX],
    nextHop: NEXT_HOP,
    maxGroups: U32,
    maxEntries: U32,
    lite: BOOLEAN,
    actor: [ABSENT, ...TEXT],
    why: [ABSENT, ...TEXT],
    deadlineMs: NO_NUMBER,
  },
};

/** The names of all operations. */
export const OPS = Object.keys(WRONG) as readonly Op[];

/** A request with nothing wrong in it. */
export function validRequest(
  op: Op,
  { handle, asked, session }: { handle: unknown; asked: Fields; session: number },
): Fields {
  const sequenced = { handle, seq: 2, ack: 1 };
  const admin = { actor: 'operator', why: 'a test' };
  const requests: Record<Op, Fields> = {
    register: { ...asked, componentId: 2 },
    keepalive: { handle },
    deregister: sequenced,
    take: { ...sequenced, ifIndex: 8 },
    release: { ...sequenced, ifIndex: 8 },
    owner: { ifIndex: 7 },
    validate: { ifIndex: 7, epoch: '1' },
    interfaces: {},
    sessions: {},
    events: { from: 0 },
    mailbox: { handle, from: 0 },
    'member.add': { ...sequenced, ifIndex: 7, group: '239.1.1.1' },
    'member.delete': { ...sequenced, ifIndex: 7, group: '239.1.1.1' },
    groups: {},
    members: {},
    'member.events': { from: 0 },
    'interface.set': { ...sequenced, ifIndex: 7 },
    'member.set': { ...sequenced, ifIndex: 7, group: '239.1.1.1', mode: 'none', sources: [] },
    'rib.set': { ...sequenced, routes: [['10.0.0.0', 8, 7, '', '', 103]] },
    'rib.delete': { ...sequenced, routes: [['10.0.0.0', 8]] },
    'rib.resolve': { source: '10.0.0.1' },
    'rib.list': {},
    'flow.new': { handle, flows: [['239.1.1.1', '10.0.0.1', 7, '']] },
    'flow.stats': { handle, items: [STATS] },
    'flow.wrongif': { handle, items: [['239.1.1.1', '10.0.0.1', 7, '', 1]] },
    'flow.failed': { handle, items: [['239.1.1.1', '10.0.0.1', 7, 'no space']] },
    'mfe.get': { group: '239.1.1.1', source: '10.0.0.1' },
    'mfe.list': {},
    'mfe.stats': { group: '239.1.1.1', source: '10.0.0.1' },
    'mfe.set': {
      ...sequenced,
      group: '239.1.1.1',
      source: '10.0.0.1',
      timeoutMs: 1000,
      incarnation: 1,
    },
    fib: { from: 0 },
    agents: {},
    'admin.release': { ifIndex: 9, ...admin },
    'admin.evict': { session: session + 1000, ...admin },
    'admin.end-holdoff': admin,
    'admin.events': { from: 0 },
    'admin.member.add': { ifIndex: 7, group: '239.1.1.1', ...admin },
    'admin.member.delete': { ifIndex: 7, group: '239.1.1.1', ...admin },
    'admin.interface.set': { ifIndex: 7, maxGroups: 100, ...admin },
  };
  return requests[op];
}
