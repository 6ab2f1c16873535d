import {
  type EventMessage,
  type InterfaceItem,
  type ListedMembership,
  ProtocolId,
} from '@mgm/client';
import type { Entry, Forwarding, LoggedForwarding, PushedItem, Timed } from '../traffic/history.ts';
import type { Evidence, StoredRoute } from './evidence.ts';

/**
 * Evidence of one forwarding entry, for the tests of the checks: PIM, on interface 1, owns it; IGMP alone, on interface 2, wants
 * its group. Another entry was deleted before.
 */
export const [PIM, IGMP] = [101, 102];
export const LOG = 'log-1';

export const MFE: Forwarding = {
  group: '239.1.1.1',
  source: '10.0.0.1',
  incarnation: 50,
  ifIndex: 1,
  nextHop: '',
  iifEpoch: '11',
  protocolId: ProtocolId.PIM,
  session: PIM,
  timeoutMs: 900_000,
  oifs: [[2, '']],
  oifCount: 1,
  foreignAlerted: true,
};
export const OTHER: Forwarding = {
  ...MFE,
  group: '239.1.1.2',
  incarnation: 49,
  oifs: [],
  oifCount: 0,
  foreignAlerted: false,
};
export const DEL: PushedItem = ['del', OTHER.group, OTHER.source, OTHER.incarnation, 'route'];
export const MESSAGES = [
  { first: 1, last: 1, items: [['set', OTHER]] },
  { first: 2, last: 3, items: [['set', MFE], DEL] },
] as const satisfies readonly LoggedForwarding[];

export const HOLDS = [
  { ifIndex: 1, nextHop: '', protocolId: ProtocolId.PIM, session: PIM, epoch: '11' },
  { ifIndex: 2, nextHop: '', protocolId: ProtocolId.IGMP, session: IGMP, epoch: '7' },
] as unknown as InterfaceItem[];
export const MEMBER = {
  group: MFE.group,
  source: '',
  ifIndex: 2,
  nextHop: '',
  session: IGMP,
  countsFor: IGMP,
} as unknown as ListedMembership;

/** The parts of the evidence that a test changes. */
export interface Edits {
  readonly agent?: readonly Entry[];
  readonly pim?: readonly Entry[];
  readonly messages?: readonly LoggedForwarding[];
  readonly entries?: readonly Forwarding[];
  readonly listing?: readonly InterfaceItem[];
  readonly members?: readonly ListedMembership[];
  readonly routes?: readonly StoredRoute[];
  readonly schema?: number;
  /** Events, and when the only watcher saw them. */
  readonly events?: readonly { readonly mono: number; readonly event: object }[];
}

/** The entries of PIM are at 0, 1, ... and those of the agent at 50, 51, ... */
export function evidenceOf(edits: Edits = {}): Evidence {
  const { agent = [], pim = [], messages = MESSAGES, entries = [MFE], routes = [] } = edits;
  const { listing = HOLDS, members = [MEMBER], schema = 4, events = [] } = edits;
  const history = (worker: string, from: number, list: readonly Entry[]) => ({
    worker,
    igmp: false,
    agent: worker === 'agent',
    goneMono: Infinity,
    entries: list.map((entry, at): Timed => ({ ...entry, mono: from + at })),
  });
  const seen = events.map(({ mono, event }, at) => ({
    mono,
    event: { rev: at + 1, ...event } as EventMessage,
  }));
  const logs = [{ from: 0, reason: undefined, snapshot: [], events: seen }];
  return {
    router: 'r',
    durability: 'durable',
    processes: [history('pim', 0, pim), history('agent', 50, agent)],
    watchers: events.length > 0 ? [{ name: 'watcher', logs }] : [],
    log: [],
    listing,
    memberLog: [],
    members,
    stored: { schema, slots: 1, entries: 1, interfaces: 1, withdrawn: 0 },
    forwarding: { log: LOG, frev: 3, entries, messages, routes },
    resting: [PIM],
  };
}
