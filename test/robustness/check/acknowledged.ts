import { callsOf, changesOf, type Evidence, type Finding, type Recorded } from './evidence.ts';

/**
 * Every confirmed change is in the event log, whatever crashed in between. Where the store promises durability there is exactly
 * one log. In `memory` mode only changes confirmed since the last loss of data are checked.
 */
export function checkAcknowledged(evidence: Evidence): Finding {
  const { router, durability } = evidence;
  const changes = changesOf(evidence);
  const logs = (changes.at(-1)?.log ?? 0) + 1;
  const sinceMono = changes.find(({ log }) => log > 0 && log === logs - 1)?.seenMono ?? -Infinity;
  const known = new Set(changes.map(({ event }) => JSON.stringify(keyOf(event))));
  const problems: string[] = [];
  let checked = 0;
  for (const call of callsOf(evidence)) {
    const change = changeOf(call);
    if (!change || (durability === 'memory' && call.invokedMono < sinceMono)) continue;
    checked++;
    if (known.has(JSON.stringify(change))) continue;
    problems.push(`${router}: ${call.id} was answered ${JSON.stringify(call.told)}, and is lost`);
  }
  if (durability !== 'memory' && logs > 1) {
    problems.push(`${router}: ${logs} logs: the store lost data that it promises to keep`);
  }
  return { check: 'acknowledged', checked, problems };
}

type Key = readonly (string | number | undefined)[];

function keyOf(event: {
  readonly type: string;
  readonly session?: number;
  readonly ifIndex?: number;
  readonly epoch?: string;
  readonly why?: string;
}): Key {
  const { type, session, ifIndex, epoch, why } = event;
  if (type.endsWith('taken')) return ['taken', session, ifIndex, epoch];
  if (type.endsWith('released')) return why ? ['by', why] : ['released', session, ifIndex];
  if (type === 'registered' || type === 'resumed') return ['began', session];
  return type === 'evicted' ? ['by', why] : [type, session];
}

function changeOf({ id, op, session, ifIndex, told }: Recorded): Key | undefined {
  if (told.told === 'taken') return ['taken', session, ifIndex, told.epoch];
  if (told.told === 'registered') return ['began', told.session];
  if (told.told === 'deregistered') return ['deregistered', session];
  if (told.told === 'evicted') return ['by', id];
  if (told.told !== 'released') return undefined;
  return op === 'release' ? ['released', session, ifIndex] : ['by', id];
}
