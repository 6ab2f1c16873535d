import { isDeepStrictEqual } from 'node:util';
import { isIgmp } from '@mgm/client';
import { flowKey } from '../../support/flow-order.ts';
import type { Forwarding, PushedItem, Timed } from '../traffic/history.ts';
import {
  callsOf,
  type Evidence,
  type Finding,
  isRunningAgent,
  type ProcessHistory,
} from './evidence.ts';

/**
 * `frev` has no gaps over the messages of `fib`; every push that an agent received is in `fib`; and the log, applied to the empty
 * listing of its beginning, gives the listing of now (W4).
 */
export function checkForwardingLog({ router, forwarding, processes }: Evidence): Finding {
  const { messages, frev, entries } = forwarding;
  const problems: string[] = [];
  const numbered = new Map<number, PushedItem>();
  let before = (messages[0]?.first ?? 1) - 1;
  const isWhole = before === 0;
  for (const { first, last, items } of messages) {
    if (first !== before + 1) problems.push(`frev ${first} follows ${before}`);
    if (last - first + 1 !== items.length) {
      problems.push(`frev ${first} to ${last} has ${items.length} items`);
    }
    for (const [at, item] of items.entries()) numbered.set(first + at, item);
    before = last;
  }
  if (before !== frev) problems.push(`the log ends at ${before}, the listing is as of ${frev}`);
  for (const [number, item] of pushedTo(processes)) {
    if (number > before || !isDeepStrictEqual(item, numbered.get(number) ?? item)) {
      problems.push(
        `pushed as ${number} was ${text(item)}, logged is ${text(numbered.get(number))}`,
      );
    }
  }
  if (isWhole) problems.push(...differences('by the log', replayed(numbered), entries));
  return finding('forwarding log', router, numbered.size, problems);
}

/** Every item that an agent received, with its number. */
function pushedTo(processes: readonly ProcessHistory[]): [number, PushedItem][] {
  return processes
    .flatMap(({ entries }) => entries)
    .flatMap((entry) =>
      entry.kind === 'push'
        ? entry.items.map((item, at): [number, PushedItem] => [entry.first + at, item])
        : [],
    );
}

/** The entries after the changes of a log, in its order. */
function replayed(numbered: ReadonlyMap<number, PushedItem>): Forwarding[] {
  const table = new Map<string, Forwarding>();
  for (const item of numbered.values()) {
    if (item[0] === 'set') table.set(flowKey(item[1]), item[1]);
    else table.delete(flowKey({ group: item[1], source: item[2] }));
  }
  return [...table.values()];
}

/**
 * A resting agent has exactly the listed entries, as of the same `frev` (W5), and no agent ever had an entry that it was first
 * told of after it had seen a higher epoch of the same incoming interface.
 */
export function checkAgents({ router, forwarding, processes }: Evidence): Finding {
  const { log, frev, entries } = forwarding;
  const agents = processes.filter(({ agent }) => agent);
  const problems = agents.flatMap((agent) => {
    const { worker, entries: history } = agent;
    const tables = history.filter((entry) => entry.kind === 'table');
    const found = underLowerEpochs(history);
    if (isRunningAgent(agent)) {
      const last = tables.at(-1);
      if (!last) found.push('rests without a table');
      else if ((last.log ?? log) !== log || last.frev !== frev) {
        found.push(`has ${last.frev} of log ${last.log ?? log}, listed is ${frev} of log ${log}`);
      } else found.push(...differences('in the table', last.entries, entries));
    }
    return found.map((problem) => `${worker}: ${problem}`);
  });
  return finding('agents', router, agents.length, problems);
}

/** The entries in tables whose first push came after one with a higher epoch of the same interface. */
function underLowerEpochs(history: readonly Timed[]): string[] {
  const highest = new Map<string, bigint>();
  const seen = new Set<string>();
  const tooLate = new Set<string>();
  return history.flatMap((entry) => {
    if (entry.kind === 'table') {
      const wrong = entry.entries.filter((one) => tooLate.has(underEpoch(one)));
      return wrong.map((one) => `has ${text(one)} under a lower epoch than one it has seen`);
    }
    const items = entry.kind === 'push' ? entry.items : [];
    for (const item of items) {
      if (item[0] !== 'set') continue;
      const iif = pairText(item[1]);
      const epoch = BigInt(item[1].iifEpoch);
      const known = highest.get(iif) ?? 0n;
      if (epoch < known && !seen.has(underEpoch(item[1]))) tooLate.add(underEpoch(item[1]));
      if (epoch > known) highest.set(iif, epoch);
      seen.add(underEpoch(item[1]));
    }
    return [];
  });
}

function underEpoch(one: Forwarding): string {
  return `${flowKey(one)} ${one.incarnation} ${pairText(one)} ${one.iifEpoch}`;
}

/**
 * No listing shows an interface that was released (W3): the incoming interface of each listed entry is held by its owner under
 * its epoch, its outgoing ones are those of the memberships, and it is none of them. During the run, no listing that began after
 * a release was confirmed shows that hold as incoming interface.
 */
export function checkForwardingEntries(evidence: Evidence): Finding {
  const { router, forwarding } = evidence;
  const calls = callsOf(evidence);
  const listings = calls.flatMap(({ id, invokedMono, told }) =>
    told.told === 'listed' ? [{ id, invokedMono, entries: told.entries }] : [],
  );
  const releases = calls.filter(({ told }) => /^(released|deregistered)$/.test(told.told));
  const problems = [
    ...forwarding.entries.flatMap((one) => wrongInterfaces(one, evidence)),
    ...listings.flatMap(({ id, invokedMono, entries }) =>
      entries.flatMap((one) => {
        const wrong = releases.filter((call) => {
          return call.returnedMono < invokedMono && isReleased(one, call);
        });
        const isOwn = one.oifs.some((oif) => isDeepStrictEqual(oif, [one.ifIndex, one.nextHop]));
        return [
          ...wrong.map((call) => `${id} lists ${text(one)} after ${call.id}`),
          ...(isOwn ? [`${id} lists ${text(one)}: the incoming interface is an outgoing one`] : []),
        ];
      }),
    ),
  ];
  return finding(
    'forwarding entries',
    router,
    forwarding.entries.length + listings.length,
    problems,
  );
}

/** Whether the hold of the incoming interface was ended by this call. */
function isReleased(
  one: Forwarding,
  { op, session, ifIndex, epoch }: ReturnType<typeof callsOf>[number],
): boolean {
  if (one.ifIndex === 0 || session !== one.session) return false;
  if (op === 'deregister') return true;
  const isThere = ifIndex === one.ifIndex && one.nextHop === '' && epoch !== undefined;
  return op === 'release' && isThere && BigInt(one.iifEpoch) <= BigInt(epoch);
}

function wrongInterfaces(one: Forwarding, { listing, members }: Evidence): string[] {
  const holder = listing.find((item) => pairText(item) === pairText(one));
  const isHeld =
    one.ifIndex === 0 ||
    (holder?.session === one.session &&
      // That of IGMP alone may be the last one of a routing protocol.
      (isIgmp(holder.protocolId)
        ? BigInt(holder.epoch) <= BigInt(one.iifEpoch)
        : holder.epoch === one.iifEpoch));
  const covering = [' ', `${one.group} `, `${one.group} ${one.source}`];
  const wanted = members
    .filter(({ group, source }) => covering.includes(`${group} ${source}`))
    .filter((member) => member.countsFor !== 0 && pairText(member) !== pairText(one))
    .map(pairText);
  const expected = one.ifIndex === 0 ? [] : [...new Set(wanted)].toSorted();
  const oifs = one.oifs.map(([ifIndex, nextHop]) => `${String(ifIndex)}:${String(nextHop)}`);
  return [
    ...(isHeld ? [] : [`listed is ${text(one)}, and its owner does not hold the interface`]),
    ...(isDeepStrictEqual(oifs.toSorted(), expected)
      ? []
      : [`listed is ${text(one)}, and by memberships it has ${expected.join(', ')}`]),
  ];
}

/** What one list of entries has and the listing has not, and the other way round. */
function differences(
  where: string,
  found: readonly Forwarding[],
  listed: readonly Forwarding[],
): string[] {
  const isIn = (one: Forwarding, list: readonly Forwarding[]): boolean =>
    list.some((other) => isDeepStrictEqual(one, other));
  return [
    ...found.filter((one) => !isIn(one, listed)).map((one) => `only ${where}: ${text(one)}`),
    ...listed.filter((one) => !isIn(one, found)).map((one) => `not ${where}: ${text(one)}`),
  ];
}

function pairText({ ifIndex, nextHop }: { ifIndex: number; nextHop: string }): string {
  return `${ifIndex}:${nextHop}`;
}

function text(one: Forwarding | PushedItem | undefined): string {
  return JSON.stringify(one) ?? 'nothing';
}

function finding(
  check: string,
  router: string,
  checked: number,
  problems: readonly string[],
): Finding {
  return { check, checked, problems: problems.map((problem) => `${router}: ${problem}`) };
}
