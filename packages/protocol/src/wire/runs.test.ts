import { describe, expect, it } from 'vitest';
import { encodeMessage } from './codec.ts';
import { eventEncoder, lossEncoder, type SharedEventFields } from './runs.ts';
import { epochOf, sessionId, type NextHop, type Revision } from '../ids.ts';

const taken = { ts: 1_795_406_541_104, type: 'taken', cause: 'take' } as const;
const byPim = { session: sessionId(1_795_406_541_104_194), protocolId: 103, componentId: 1 };
const byAnn = { type: 'released', cause: 'admin', actor: 'ann', why: 'moved to r2 ✓' } as const;

describe('an event encoded as part of a run', () => {
  it.each<[string, SharedEventFields]>([
    ['of a session', { ...taken, ...byPim }],
    ['by an operator', { ...taken, ...byPim, ...byAnn }],
    ['without a session', { ...taken }],
  ])('has the same bytes as encoded alone: %s', (_, shared) => {
    const { ts, type, session, protocolId, componentId, ...more } = shared;
    const who = session === undefined ? {} : { session, protocolId, componentId };
    const encode = eventEncoder(shared);
    for (const [at, nextHop] of [
      '',
      '10.0.0.1',
      '2001:db8:1111:2222:3333:4444:5555:6666',
    ].entries()) {
      const rev = (2 ** (at * 16) + at) as Revision;
      const on = { ifIndex: 2 ** (at * 15), nextHop: nextHop as NextHop };
      const epoch = epochOf(1_795_406_541_104_194 + at);
      const alone = encodeMessage({ rev, ts, type, ...who, ...on, epoch, ...more });
      expect(Buffer.from(encode(rev, on, epoch)).toString('hex')).toBe(
        Buffer.from(alone).toString('hex'),
      );
    }
  });
});

it.each([undefined, 'the process hangs ✓'])(
  'a callback encoded as part of a run has the same bytes as encoded alone, with why: %s',
  (why) => {
    const shared = {
      ts: 1_795_406_541_104,
      cause: 'evict',
      ...(why !== undefined && { why }),
    } as const;
    const encode = lossEncoder(shared);
    const on = { ifIndex: 70_000, nextHop: '10.0.0.1' as NextHop };
    const epoch = epochOf(1_795_406_541_104_194);
    const { ts, ...rest } = shared;
    const alone = encodeMessage({ seq: 129, type: 'OWNERSHIP_LOST', ts, ...on, epoch, ...rest });
    expect(Buffer.from(encode(129, on, epoch)).equals(alone)).toBe(true);
  },
);
