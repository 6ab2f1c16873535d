import { describe, expect, it } from 'vitest';
import type { Entry, Forwarding } from '../traffic/history.ts';
import { evidenceOf, MESSAGES, MFE, OTHER } from './forwarding-evidence.ts';
import { checkPlanes } from './planes.ts';

const flush: Entry = { kind: 'plane', call: 'flush' };
const set = (entry: Forwarding, frev?: number): Entry => ({
  ...{ kind: 'plane', call: 'set', entry },
  ...(frev !== undefined && { frev }),
});
const del = (entry: Forwarding, frev: number): Entry => ({
  ...{ kind: 'plane', call: 'delete', entry, frev },
});
const state = (is: 'attached' | 'flushed' | 'attaching' | 'stopped'): Entry => ({
  kind: 'forwarder',
  state: is,
});
const starts: Entry = { kind: 'invoked', id: 'agent#1', op: 'register' };
const started: Entry = {
  ...{ kind: 'returned', id: 'agent#1', told: 'registered', session: 7, resumed: false },
};
/** The entries of the agent are at 50, 51, ... */
const contact = (untilMono: number): Entry => ({ kind: 'contact', untilMono });

const START = [starts, flush];
/** It reads its table at 1, and then applies both other changes. */
const AGENT = [...START, contact(60), set(OTHER), state('attached'), set(MFE, 1), del(OTHER, 2)];
/** It lost contact at 56, and reads its table anew. */
const LOST = [...AGENT.with(2, contact(56)), state('flushed'), flush, state('attaching'), set(MFE)];

const problems = (agent: readonly Entry[]): readonly string[] =>
  checkPlanes(evidenceOf({ agent })).problems;

describe('the check of forwarding planes', () => {
  it('accepts correct histories and counts their calls', () => {
    expect(checkPlanes(evidenceOf({ agent: AGENT }))).toMatchObject({ checked: 4, problems: [] });
    expect(problems(LOST)).toEqual([]);
    // Another session of the same agent flushes nothing.
    expect(problems([...LOST, starts])).toEqual([]);
    expect(problems([...LOST, starts, flush, set(MFE)])).toHaveLength(1);
  });

  it('rejects a plane that forwards otherwise than listed when its agent rests (W5)', () => {
    expect(problems(AGENT.slice(0, -1))).toHaveLength(1);
    expect(problems(AGENT.toSpliced(5, 1))).toHaveLength(1);
    expect(problems([...AGENT, flush])).toHaveLength(2);
    // One that could not start has nothing to forward by.
    expect(problems([...START, state('stopped'), flush])).toEqual([]);
    expect(problems([...AGENT, state('stopped'), flush, starts, flush, started])).toHaveLength(1);
    const other = { ...MFE, oifs: [] };
    const entries = [other];
    expect(checkPlanes(evidenceOf({ agent: AGENT, entries })).problems).toHaveLength(1);
  });

  it('rejects a lower incarnation of an (s,g), also after a flush', () => {
    const earlier = { ...MFE, incarnation: 48 };
    const later = [set(earlier), set(MFE)];
    expect(problems([...AGENT, ...later])).toHaveLength(1);
    expect(problems(LOST.toSpliced(-1, 0, set(earlier)))).toHaveLength(1);
    expect(problems([...START, state('attached'), ...later])).toEqual([]);
  });

  it('rejects a lower epoch of an incoming interface, until another agent begins', () => {
    const late = { ...OTHER, incarnation: 60, iifEpoch: '10' };
    expect(problems([...AGENT, set(late), del(late, 3)])).toHaveLength(1);
    expect(problems([...AGENT, starts, set(late), del(late, 3)])).toHaveLength(1);
    const again = [state('stopped'), flush, ...START, set(late), del(late, 3), set(MFE)];
    expect(problems([...AGENT, ...again])).toEqual([]);
  });

  it('rejects an incarnation that the log had ended at the revision of the agent', () => {
    expect(problems([...AGENT, set(OTHER, 3), del(OTHER, 3)])).toHaveLength(1);
    expect(problems([...AGENT.slice(0, -1), del(OTHER, 1), set(OTHER, 2), del(OTHER, 2)])).toEqual(
      [],
    );
  });

  it('rejects a replacement that is not the next change of the log', () => {
    const narrow = { ...MFE, oifs: [] };
    const changed = [...AGENT, set(narrow, 3), set(MFE, 4)];
    const more = {
      first: 4,
      last: 5,
      items: [
        ['set', narrow],
        ['set', MFE],
      ],
    } as const;
    const messages = [...MESSAGES, more];
    expect(checkPlanes(evidenceOf({ agent: changed, messages })).problems).toEqual([]);
    const skipped = changed.with(-2, set(narrow, 2));
    expect(checkPlanes(evidenceOf({ agent: skipped, messages })).problems).toHaveLength(1);
    expect(problems(changed)).toHaveLength(2);
    // A log that was cut no longer has what the agent applied.
    const cut = [{ first: 6, last: 6, items: [['set', MFE]] }] as const;
    expect(checkPlanes(evidenceOf({ agent: changed, messages: cut })).problems).toEqual([]);
  });

  it('rejects a flush before the hold time is over, or without any reason', () => {
    expect(problems(LOST.with(2, contact(58)))).toEqual([
      'r: agent: flushed 1 ms before the end of the hold time',
    ]);
    expect(problems([...AGENT.with(1, state('attached')), flush, set(MFE)])).toEqual([]);
    expect(problems([...AGENT, flush, set(MFE)])).toEqual([
      'r: agent: flushed although it had contact',
    ]);
  });
});
