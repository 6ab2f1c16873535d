import { type EventMessage, type MembershipEvent, ProtocolId } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import type { Entry, Timed } from '../traffic/history.ts';
import { CHECKS } from './all.ts';
import { checkAssumptions } from './assumptions.ts';
import { checkAvailability } from './availability.ts';
import type { Evidence } from './evidence.ts';
import { checkHostile } from './hostile.ts';
import { checkLeftovers, type LeftKey } from './leftovers.ts';
import { checkLinearizability } from './linearizability.ts';
import { checkLocalAlerts } from './local-alerts.ts';
import { checkMemberReplies } from './member-replies.ts';
import { checkAlerts } from './memberships.ts';
import { checkOverflows } from './overflows.ts';

/** Histories are written one entry per line: `10 pim invoked …`. */
type Line = readonly [mono: number, worker: 'a' | 'b' | 'igmp', entry: Entry];

const [A, B, I] = [101, 102, 103];
const PROTOCOLS = new Map<number, number>([
  [A, ProtocolId.PIM],
  [B, ProtocolId.DVMRP],
  [I, ProtocolId.IGMP],
]);

function event(rev: number, type: string, session: number, more: object = {}): EventMessage {
  const protocolId = PROTOCOLS.get(session);
  return { rev, ts: rev, type, session, protocolId, componentId: 1, ...more } as EventMessage;
}

function on(ifIndex: number, epoch: string, cause = 'take'): object {
  return { ifIndex, nextHop: '', epoch, cause };
}

/** Two sessions and an IGMP session on interface 1: A took and released it, B owns it, IGMP got all callbacks. */
const LOG = [
  event(1, 'registered', A),
  event(2, 'registered', B),
  event(3, 'registered', I),
  event(4, 'igmp-taken', I, on(1, '10')),
  event(5, 'taken', A, on(1, '11')),
  event(6, 'released', A, on(1, '11', 'release')),
  event(7, 'taken', B, on(1, '12')),
];

const took = (id: string, session: number, epoch: string, from: number): Line[] => {
  const worker = session === A ? 'a' : session === B ? 'b' : 'igmp';
  const igmp = session === I;
  return [
    [from, worker, { kind: 'invoked', id, op: 'take', session, ifIndex: 1, igmp }],
    [from + 1, worker, { kind: 'returned', id, told: 'taken', epoch }],
    [from + 1, worker, { kind: 'holds', session, ifIndex: 1, epoch }],
  ];
};

const told = (seq: number, type: string, rev: number): Line => [
  90,
  'igmp',
  { kind: 'callback', session: I, seq, type, ifIndex: 1, rev },
];

const LINES: readonly Line[] = [
  [1, 'a', { kind: 'deadline', session: A, deadlineMono: 1_000 }],
  [1, 'b', { kind: 'deadline', session: B, deadlineMono: 1_000 }],
  [1, 'igmp', { kind: 'deadline', session: I, deadlineMono: 1_000 }],
  ...took('igmp#1', I, '10', 40),
  ...took('a#1', A, '11', 50),
  [60, 'a', { kind: 'invoked', id: 'a#2', op: 'release', session: A, ifIndex: 1, epoch: '11' }],
  [60, 'a', { kind: 'lets-go', session: A, ifIndex: 1, epoch: '11' }],
  [61, 'a', { kind: 'returned', id: 'a#2', told: 'released' }],
  ...took('b#1', B, '12', 70),
  [80, 'a', { kind: 'invoked', id: 'a#3', op: 'owner', ifIndex: 1 }],
  [
    81,
    'a',
    {
      kind: 'returned',
      id: 'a#3',
      told: 'held',
      session: B,
      epoch: '12',
      igmp: { session: I, epoch: '10' },
    },
  ],
  told(1, 'DISABLE_IGMP', 5),
  told(2, 'ENABLE_IGMP', 5),
  told(3, 'DISABLE_IGMP', 6),
  told(4, 'ENABLE_IGMP', 6),
  told(5, 'DISABLE_IGMP', 7),
  told(6, 'ENABLE_IGMP', 7),
];

const GROUP = '239.1.1.1';
const B_MEMBER = { group: GROUP, source: '', ifIndex: 1, nextHop: '', session: B, countsFor: B };

function joined(mrev: number, session: number, more: object = {}): MembershipEvent {
  return {
    first: mrev,
    mrev,
    ts: mrev,
    type: 'joined',
    session: session as MembershipEvent['session'],
    protocolId: ProtocolId.PIM,
    componentId: 1,
    countsFor: session as MembershipEvent['session'],
    cause: 'member',
    items: [[GROUP, '', 1, '']] as unknown as MembershipEvent['items'],
    ...more,
  };
}

/** A had a membership and released the interface; then B got one. */
const MEMBER_LOG = [joined(1, A), joined(2, A, { type: 'left', cause: 'release' }), joined(3, B)];

function alert(session: number, seq: number, type: string): Line {
  const worker = session === A ? 'a' : 'b';
  return [95, worker, { kind: 'alert', session, seq, type, entries: [`${GROUP} `] }];
}

function listing(session: number, mailbox: number, wanted: readonly string[]): Line {
  const worker = session === A ? 'a' : 'b';
  return [94, worker, { kind: 'groups', session, mailbox, wanted }];
}

/** B listed while A had its membership and was alerted when it ended; A listed before B had one. */
const MEMBER_LINES: readonly Line[] = [
  listing(B, 0, [`${GROUP} `]),
  alert(B, 1, 'PRUNE_ALERT'),
  listing(A, 0, []),
  alert(A, 1, 'JOIN_ALERT'),
];

interface Edits {
  readonly lines?: readonly Line[];
  readonly log?: readonly EventMessage[];
  /** The events of the watcher, where they differ from the log. */
  readonly seen?: readonly EventMessage[];
  readonly listed?: object;
  readonly memberLog?: readonly MembershipEvent[];
  readonly members?: Evidence['members'];
  readonly stored?: Partial<Evidence['stored']>;
}

function evidence(edits: Edits = {}): Evidence {
  const {
    lines = LINES,
    log = LOG,
    seen = log,
    listed = {},
    memberLog = [],
    members = [],
    stored = {},
  } = edits;
  const entriesOf = (worker: string): Timed[] =>
    lines.flatMap(([mono, of, entry]) => (of === worker ? [{ ...entry, mono }] : []));
  const igmp = { protocolId: ProtocolId.IGMP, componentId: 1, session: I, epoch: '10' };
  const hold = {
    ifIndex: 1,
    nextHop: '',
    protocolId: ProtocolId.DVMRP,
    session: B,
    epoch: '12',
    igmp,
    ...listed,
  };
  return {
    router: 'r',
    durability: 'durable',
    processes: ['a', 'b', 'igmp'].map((worker) => ({
      worker,
      igmp: worker === 'igmp',
      agent: false,
      entries: entriesOf(worker),
      goneMono: Infinity,
    })),
    watchers: [
      {
        name: 'watcher',
        // Seen shortly after it was made: the change of revision 5 at 52.
        logs: [
          {
            from: 0,
            reason: undefined,
            snapshot: [],
            events: seen.map((one) => ({ event: one, mono: seenAt(one) })),
          },
        ],
      },
    ],
    log,
    listing: [hold as unknown as Evidence['listing'][number]],
    memberLog,
    members,
    stored: { ...storedFor(members.length), ...stored },
    forwarding: { log: 'l', frev: 0, entries: [], messages: [], routes: [] },
    resting: [A, B, I],
  };
}

/** Of no membership, or of some of one hold. */
function storedFor(members: number): Evidence['stored'] {
  const holds = Math.min(1, members);
  const schema = members === 0 ? 2 : 3;
  return { schema, slots: holds, entries: members, interfaces: holds, withdrawn: 0 };
}

function seenAt({ rev }: EventMessage): number {
  return [0, 5, 6, 7, 41, 52, 62, 72][rev] ?? 20 + 10 * rev;
}

/** The same history with each line passed through `change`. */
function lines(change: (line: Line) => readonly Line[]): Line[] {
  return LINES.flatMap(change);
}

const without = (isIt: (entry: Entry) => boolean): Line[] =>
  lines((line) => (isIt(line[2]) ? [] : [line]));

const MEMBERS: Edits = {
  lines: [...LINES, ...MEMBER_LINES],
  memberLog: MEMBER_LOG,
  members: [B_MEMBER] as unknown as Evidence['members'],
};

function problemsOf(edits: Edits): string[] {
  const finding = CHECKS.map((check) => check(evidence(edits)));
  return finding.filter(({ problems }) => problems.length > 0).map(({ check }) => check);
}

describe('the checks of a recorded history', () => {
  it('accept a correct history and cover all of it', () => {
    const findings = CHECKS.map((check) => check(evidence()));
    expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
    expect(findings.map(({ check, checked }) => `${check} ${checked}`)).toEqual([
      'linearizable 5',
      'exclusive 3',
      'epochs 3',
      'leases 0',
      'events 7',
      'final state 7',
      'callbacks 6',
      'acknowledged 4',
      'memberships 0',
      'membership log 0',
      'alerts 0',
      'LOCAL alerts 0',
      'mailbox overflows 0',
      'membership replies 0',
      'stored memberships 0',
      'forwarding log 0',
      'agents 0',
      'forwarding planes 0',
      'forwarding entries 0',
      'forwarding reads 0',
      'notified 0',
      'FALSE alerts 0',
    ]);
  });

  it('accept memberships whose events give the listing and whose alerts give what is wanted', () => {
    expect(problemsOf(MEMBERS)).toEqual([]);
  });

  it('reject a membership of a session that is not on the interface', () => {
    const members = [{ ...B_MEMBER, session: A, countsFor: A }] as unknown as Evidence['members'];
    expect(problemsOf({ ...MEMBERS, members })).toContain('memberships');
  });

  it('reject a log of memberships with a gap, with a repeated event, or that does not give the listing', () => {
    for (const memberLog of [
      [joined(1, A), joined(3, A, { type: 'left' }), joined(4, B)],
      [joined(1, A), joined(2, A), joined(3, B)],
      MEMBER_LOG.slice(0, 2),
    ]) {
      expect(problemsOf({ ...MEMBERS, memberLog })).toEqual(['membership log']);
    }
  });

  it('follow a membership through the inheritance of its session', () => {
    const log = [...LOG, event(8, 'resumed', B, { previous: 99 })];
    const memberLog = [...MEMBER_LOG.slice(0, 2), joined(3, 99)];
    expect(problemsOf({ ...MEMBERS, log, memberLog })).not.toContain('membership log');
  });

  it('reject alerts that do not alternate, and a belief that is not what others want', () => {
    for (const more of [
      [alert(A, 2, 'JOIN_ALERT')],
      [alert(A, 2, 'PRUNE_ALERT')],
      [listing(A, 1, [])],
      [alert(B, 2, 'JOIN_ALERT')],
    ]) {
      const lines = [...LINES, ...MEMBER_LINES, ...more];
      expect(problemsOf({ ...MEMBERS, lines })).toEqual(['alerts']);
    }
  });

  it('reject LOCAL alerts that are not those of the memberships that IGMP gained and deleted', () => {
    const ofIgmp = { protocolId: ProtocolId.IGMP, countsFor: B };
    const left = { ...ofIgmp, type: 'left' };
    const memberLog = [
      ...MEMBER_LOG,
      joined(4, I, ofIgmp),
      joined(5, I, { ...left, cause: 'take' }),
      joined(6, I, ofIgmp),
      joined(7, I, { ...left, cause: 'member' }),
      joined(8, I, ofIgmp),
    ];
    const local = (seq: number, type: string): Line => [
      96,
      'b',
      { kind: 'alert', session: B, seq, type, entries: [`${GROUP} `], on: [1] },
    ];
    const judged = (...types: string[]) => {
      const locals = types.map((type, at) => local(at + 2, `LOCAL_${type}`));
      const changed = { ...MEMBERS, memberLog, lines: [...LINES, ...MEMBER_LINES, ...locals] };
      return checkLocalAlerts(evidence(changed)).problems.length;
    };
    expect(judged('JOIN', 'JOIN', 'LEAVE', 'JOIN')).toBe(0);
    expect(judged('JOIN', 'LEAVE', 'JOIN')).toBe(1);
    expect(judged('JOIN', 'JOIN', 'JOIN')).toBe(1);
    expect(judged('JOIN', 'JOIN', 'JOIN', 'LEAVE')).toBe(1);
    expect(judged('JOIN', 'JOIN', 'LEAVE', 'LEAVE', 'JOIN')).toBe(1);
    expect(judged()).toBe(1);
    const former = { ...MEMBERS, memberLog: MEMBER_LOG, lines: [...LINES, ...MEMBER_LINES] };
    const ofFormer = (line: Line): number => {
      const changed = evidence({ ...former, lines: [...former.lines, line] });
      return checkLocalAlerts({ ...changed, resting: [] }).problems.length;
    };
    expect([ofFormer(local(2, 'LOCAL_JOIN')), ofFormer(local(2, 'LOCAL_LEAVE'))]).toEqual([1, 1]);
  });

  it('reject alerts after a RESYNC that was not acknowledged, one that came early, and one that did not come', () => {
    const many = (seq: number, items: number): Line => {
      const entries = Array.from({ length: items }, (_, at) => `239.2.0.${at} 192.0.2.1`);
      return [95, 'a', { kind: 'alert', session: A, seq, type: 'JOIN_ALERT', entries }];
    };
    const acknowledges = (seq: number): Line => {
      return [96, 'a', { kind: 'acknowledges', session: A, seq }];
    };
    const resync = alert(A, 3, 'RESYNC');
    const more = alert(A, 4, 'PRUNE_ALERT');
    const judged = (...lines: Line[]): number =>
      checkOverflows(evidence({ lines })).problems.length;
    const full = many(2, 65_536);
    expect(judged(many(1, 1), full, resync, acknowledges(3), more)).toBe(0);
    expect(judged(many(1, 1), full, resync, more)).toBe(1);
    expect(judged(many(1, 1), full, resync, acknowledges(2), more)).toBe(1);
    expect(judged(full, resync)).toBe(1);
    expect(judged(many(1, 1), full, acknowledges(1), many(3, 1_024))).toBe(0);
    expect(judged(many(1, 1), full, many(3, 1_024))).toBe(1);
  });

  it('take what a session knows after a RESYNC from its next listing', () => {
    const lines = [...LINES, ...MEMBER_LINES, alert(A, 2, 'RESYNC')];
    expect(checkAlerts(evidence({ ...MEMBERS, lines })).problems).toEqual([
      `r: session ${A}: rests without a listing since its RESYNC`,
    ]);
    const listed = [...lines, listing(A, 2, [`${GROUP} `])];
    expect(checkAlerts(evidence({ ...MEMBERS, lines: listed })).problems).toEqual([]);
    const wrong = [...lines, listing(A, 2, [])];
    expect(checkAlerts(evidence({ ...MEMBERS, lines: wrong })).problems).toHaveLength(1);
    const repeated = [...lines, alert(A, 3, 'JOIN_ALERT'), listing(A, 3, [`${GROUP} `])];
    expect(checkAlerts(evidence({ ...MEMBERS, lines: repeated })).problems).toEqual([]);
  });

  it('reject replies that report changes of memberships which the log does not have', () => {
    const call = (count: number): Line[] => [
      [90, 'b', { kind: 'invoked', id: 'b#7', op: 'member.add', session: B }],
      [91, 'b', { kind: 'returned', id: 'b#7', told: 'changed', count }],
    ];
    const judged = (...more: Line[]): number => {
      const lines = [...LINES, ...MEMBER_LINES, ...more];
      return checkMemberReplies(evidence({ ...MEMBERS, lines })).problems.length;
    };
    expect(judged(...call(1))).toBe(0);
    expect(judged(...call(0))).toBe(1);
    expect(judged(...call(2))).toBe(1);
    // Without a reply it may have had an effect.
    expect(judged(...call(1).slice(0, 1))).toBe(0);
    // So may an earlier copy of one that was repeated when the session had ended.
    const refused = (reason: string): Line[] => [
      ...call(1).slice(0, 1),
      [91, 'b', { kind: 'returned', id: 'b#7', told: 'refused', reason }],
    ];
    expect(judged(...refused('session-expired'))).toBe(0);
    expect(judged(...refused('not-owner'))).toBe(1);
  });

  it('reject data of ended memberships in the store, and its schema', () => {
    for (const stored of [
      { slots: 2 },
      { entries: 0 },
      { interfaces: 3 },
      { withdrawn: 1 },
      { schema: 2 },
    ]) {
      expect(problemsOf({ ...MEMBERS, stored })).toEqual(['stored memberships']);
    }
    expect(problemsOf({ stored: { schema: 3 } })).toEqual(['stored memberships']);
  });

  it('ignore an alert that is older than the listing which followed it', () => {
    const lines = [
      ...LINES,
      ...MEMBER_LINES,
      alert(A, 2, 'PRUNE_ALERT'),
      listing(A, 2, [`${GROUP} `]),
    ];
    expect(problemsOf({ ...MEMBERS, lines })).toEqual([]);
  });

  it('reject a gap between an alert and the callbacks before it', () => {
    const lines = [...LINES, ...MEMBER_LINES, alert(A, 3, 'LOCAL_JOIN')];
    expect(problemsOf({ ...MEMBERS, lines })).toEqual(['callbacks']);
  });

  it('match a call with the change of its own epoch, also when a change without a call was seen later', () => {
    const log = [
      ...LOG,
      event(8, 'taken', A, on(2, '21')),
      event(9, 'released', A, on(2, '21', 'release')),
      event(10, 'taken', A, on(2, '22')),
      event(11, 'released', A, on(2, '22', 'release')),
    ];
    const take = { op: 'take', session: A, ifIndex: 2, igmp: false } as const;
    const release = { id: 'a#5', op: 'release', session: A, ifIndex: 2, epoch: '22' } as const;
    const more: Line[] = [
      [82, 'a', { kind: 'invoked', id: 'a#0', ...take }],
      [83, 'a', { kind: 'returned', id: 'a#0', told: 'taken', epoch: '21' }],
      [83, 'a', { kind: 'holds', session: A, ifIndex: 2, epoch: '21' }],
      [84, 'a', { kind: 'lets-go', session: A, ifIndex: 2, epoch: '21' }],
      [85, 'a', { kind: 'invoked', id: 'a#4', ...take }],
      [86, 'a', { kind: 'returned', id: 'a#4', told: 'taken', epoch: '22' }],
      [86, 'a', { kind: 'holds', session: A, ifIndex: 2, epoch: '22' }],
      [87, 'a', { kind: 'invoked', ...release }],
      [87, 'a', { kind: 'lets-go', session: A, ifIndex: 2, epoch: '22' }],
      [88, 'a', { kind: 'returned', id: 'a#5', told: 'released' }],
    ];
    expect(problemsOf({ lines: [...LINES, ...more], log })).toEqual([]);
  });

  it('reject a take that was granted while another session owned the interface', () => {
    const released = without(
      (entry) => ('id' in entry && entry.id === 'a#2') || entry.kind === 'lets-go',
    );
    expect(problemsOf({ lines: released, log: LOG.filter(({ rev }) => rev !== 6) })).toEqual(
      expect.arrayContaining(['linearizable', 'exclusive', 'events', 'final state']),
    );
  });

  it('reject a reply with a former owner', () => {
    const stale = lines(([mono, worker, entry]) =>
      entry.kind === 'returned' && entry.told === 'held'
        ? [[mono, worker, { ...entry, session: A, epoch: '11' }]]
        : [[mono, worker, entry]],
    );
    expect(problemsOf({ lines: stale })).toEqual(['linearizable']);
  });

  it('reject a session that still believes it owns an interface granted to another', () => {
    const late = lines(([mono, worker, entry]) =>
      entry.kind === 'lets-go' ? [[75, worker, entry]] : [[mono, worker, entry]],
    );
    expect(problemsOf({ lines: late })).toEqual(['exclusive']);
  });

  it('accept that a belief ends with the deadline, the process, or an operator request', () => {
    const silent = without(({ kind }) => kind === 'lets-go');
    expect(problemsOf({ lines: silent })).toEqual(['exclusive']);
    const ended = lines(([mono, worker, entry]) => {
      if (entry.kind === 'lets-go') return [];
      const isDeadline = entry.kind === 'deadline' && entry.session === A;
      return [[mono, worker, isDeadline ? { ...entry, deadlineMono: 65 } : entry]];
    });
    expect(problemsOf({ lines: ended })).toEqual([]);
  });

  it('reject epochs that do not rise, in the log and from reply to call', () => {
    const log = LOG.map((one) => (one.rev === 7 ? event(7, 'taken', B, on(1, '11')) : one));
    expect(problemsOf({ log })).toContain('epochs');
    const lower = lines(([mono, worker, entry]) =>
      entry.kind === 'returned' && entry.id === 'b#1' && entry.told === 'taken'
        ? [[mono, worker, { ...entry, epoch: '9' }]]
        : [[mono, worker, entry]],
    );
    expect(problemsOf({ lines: lower })).toContain('epochs');
  });

  it('reject a lease that ended before the deadline of its session', () => {
    const log = [...LOG, event(8, 'expired', A)];
    expect(problemsOf({ log })).toEqual(['leases']);
  });

  it('reject an event that a watcher missed, saw twice, or saw with other fields', () => {
    expect(problemsOf({ seen: LOG.filter(({ rev }) => rev !== 6) })).toEqual(['events']);
    expect(problemsOf({ seen: LOG.toSpliced(5, 0, ...LOG.slice(4, 5)) })).toEqual(['events']);
    const other = LOG.map((one) => (one.rev === 2 ? { ...one, ts: 99 } : one));
    expect(problemsOf({ seen: other })).toEqual(['events']);
    expect(problemsOf({ seen: LOG.slice(0, -1) })).toEqual(['events']);
  });

  it('reject a listing that does not follow from the log', () => {
    expect(problemsOf({ listed: { epoch: '13' } })).toEqual(['final state']);
    expect(problemsOf({ listed: { igmp: undefined } })).toEqual(['final state']);
  });

  it('reject a change by an ended session', () => {
    const log = [...LOG, event(8, 'deregistered', A), event(9, 'igmp-taken', A, on(2, '13'))];
    expect(problemsOf({ log })).toContain('final state');
  });

  it('reject callbacks that are missing, repeated, or in another order', () => {
    const isCallback = (seq: number) => (entry: Entry) =>
      entry.kind === 'callback' && entry.seq === seq;
    expect(problemsOf({ lines: without(isCallback(6)) })).toEqual(['callbacks']);
    expect(problemsOf({ lines: without(isCallback(2)) })).toEqual(['callbacks']);
    expect(problemsOf({ lines: [...LINES, told(6, 'ENABLE_IGMP', 7)] })).toEqual(['callbacks']);
    const swapped = lines(([mono, worker, entry]) => {
      if (entry.kind !== 'callback' || entry.seq > 2) return [[mono, worker, entry]];
      return [told(entry.seq, entry.seq === 1 ? 'ENABLE_IGMP' : 'DISABLE_IGMP', 5)];
    });
    expect(problemsOf({ lines: swapped })).toEqual(['callbacks']);
    const missed: Line = [95, 'igmp', { kind: 'callbacks-missed', session: I }];
    expect(problemsOf({ lines: [...LINES, missed] })).toEqual(['callbacks']);
  });

  it('reject a reply whose change is not in the log', () => {
    const lost = took('a#9', A, '13', 85).map(([mono, worker, entry]): Line => {
      return [mono, worker, 'ifIndex' in entry ? { ...entry, ifIndex: 2 } : entry];
    });
    expect(problemsOf({ lines: [...LINES, ...lost] })).toEqual(['acknowledged']);
  });

  it('treat a call without a reply as executed exactly when the log has its change', () => {
    const unanswered = (id: string): Line[] =>
      without((entry) => entry.kind === 'returned' && entry.id === id);
    expect(problemsOf({ lines: unanswered('b#1') })).toEqual([]);
    const more: Line = [
      82,
      'a',
      { kind: 'invoked', id: 'a#4', op: 'take', session: A, ifIndex: 1 },
    ];
    expect(problemsOf({ lines: [...LINES, more] })).toEqual([]);
  });

  it('are inconclusive for a run in which too little happened', () => {
    const finding = checkAssumptions({ evidence: [evidence()], incidents: [], seconds: 60 });
    expect(finding).toMatchObject({
      problems: [],
      inconclusive: expect.stringContaining('no fault') as string,
    });
    const incident = {
      fault: 'cut',
      what: 'link',
      fromMono: 0,
      toMono: 1,
      bit: false,
      stallMs: 0,
      recoveredMs: 0,
    };
    const idle = checkAssumptions({ evidence: [evidence()], incidents: [incident], seconds: 0.1 });
    expect(idle.inconclusive).toContain('cut (link) hit nothing');
  });

  it('reject a session that expired while one manager was stopped, unless the machine stalled', () => {
    const expired = event(8, 'expired', B);
    const registered: Line = [
      1,
      'b',
      { kind: 'returned', id: 'b#0', told: 'registered', session: B, resumed: false },
    ];
    const changed = evidence({ log: [...LOG, expired], lines: [...LINES, registered] });
    const judged = (stallMs: number, toMono = 200): readonly string[] => {
      const fault = { fault: 'manager-stop', what: 'manager-1', bit: true, recoveredMs: 0 };
      // The event is seen at 100.
      const incidents = [{ ...fault, fromMono: 70, toMono, stallMs }];
      return checkAvailability({ evidence: [changed], incidents, ttlMs: 20 }).problems;
    };
    expect(judged(0)).toEqual(['r: session 102 expired while only manager-1 was stopped']);
    expect(judged(1_000)).toEqual([]);
    expect(judged(0, 99)).toEqual([]);
  });

  it('accept an inheritance by a register call whose reply was lost, as its repeat reports it', () => {
    const C = 104;
    const resumed = event(8, 'resumed', C, { previous: B, epoch: '13' });
    const seen = { kind: 'returned', id: 'a#9', told: 'already-owned' } as const;
    const lines: Line[] = [
      [82, 'b', { kind: 'invoked', id: 'b#5', op: 'register' }],
      [84, 'b', { kind: 'returned', id: 'b#5', told: 'unknown', reason: 'timeout' }],
      [86, 'a', { kind: 'invoked', id: 'a#9', op: 'take', session: A, ifIndex: 1, igmp: false }],
      [88, 'a', { ...seen, holder: { session: C, epoch: '13' } }],
      [95, 'b', { kind: 'invoked', id: 'b#6', op: 'register' }],
      [99, 'b', { kind: 'returned', id: 'b#6', told: 'registered', session: C, resumed: true }],
    ];
    const changed = evidence({ log: [...LOG, resumed], lines: [...LINES, ...lines] });
    expect(checkLinearizability(changed).problems).toEqual([]);
    const withoutFirst = lines.filter(([, , entry]) => !('id' in entry) || entry.id !== 'b#5');
    const broken = evidence({ log: [...LOG, resumed], lines: [...LINES, ...withoutFirst] });
    expect(checkLinearizability(broken).problems).toHaveLength(1);
  });

  it('accept the end of a session by its first deregister call, though a second one was refused', () => {
    const log = [
      ...LOG,
      event(8, 'released', B, on(1, '12', 'release')),
      event(9, 'deregistered', B),
      event(10, 'taken', A, on(1, '13')),
    ].map((one) => ({ ...one, ts: one.rev === 9 ? 8 : one.ts }));
    const lines: Line[] = [
      [82, 'b', { kind: 'invoked', id: 'b#5', op: 'deregister', session: B }],
      [82, 'b', { kind: 'lets-go', session: B, ifIndex: 1, epoch: '12' }],
      ...took('a#9', A, '13', 86),
      [89, 'b', { kind: 'invoked', id: 'b#6', op: 'deregister', session: B }],
      [95, 'b', { kind: 'returned', id: 'b#5', told: 'unknown', reason: 'session-lost' }],
      [96, 'b', { kind: 'returned', id: 'b#6', told: 'refused', reason: 'session-lost' }],
    ];
    const changed = evidence({ log, lines: [...LINES, ...lines] });
    expect(checkLinearizability(changed).problems).toEqual([]);
  });

  it('reject hostile requests that had an effect', () => {
    const sent = { malformed: 7, 'invented-handle': 3 };
    expect(checkHostile({ sent, executed: {} })).toMatchObject({ checked: 10, problems: [] });
    expect(checkHostile({ sent, executed: { 'invented-handle': 1 } }).problems).toEqual([
      '1 hostile requests had an effect: invented-handle',
    ]);
  });

  it('reject a key that remains after all workers left', () => {
    const left = (key: string, keptForMs = -1, bytes = 200) => ({ key, keptForMs, bytes });
    const problems = (...keys: LeftKey[]) => checkLeftovers('r', keys).problems;
    const meta = left('mgm:{r}:meta');
    const log = left('mgm:{r}:events', -1, 1_000_000);
    const operatorLog = left('mgm:{r}:operator-log', 600_000, 100_000);
    expect(problems(meta, log, operatorLog, left('mgm:{r}:client:3', 600_000))).toEqual([]);
    for (const key of [
      'mgm:{r}:if:1:',
      'mgm:{r}:mailbox:5',
      'mgm:{r}:owned:3',
      'mgm:{r}:client:4',
    ]) {
      expect(problems(left(key))).toHaveLength(1);
    }
  });

  it('accept reports of agents only with the entries that they are about', () => {
    const left = (name: string) => ({ key: `mgm:{r}:${name}`, keptForMs: -1, bytes: 200 });
    const reports = [left('mfe-stats'), left('mfe-failed')];
    expect(checkLeftovers('r', [left('mfe'), ...reports]).problems).toEqual([]);
    expect(checkLeftovers('r', [left('mfes'), ...reports]).problems).toHaveLength(2);
  });

  it('reject a record that keeps memory after all workers left', () => {
    const former = { key: 'mgm:{r}:client:3', keptForMs: 600_000, bytes: 20_000 };
    expect(checkLeftovers('r', [former]).problems).toEqual([
      'r: mgm:{r}:client:3 still takes 20000 bytes',
    ]);
  });
});
