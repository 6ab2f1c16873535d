import { decodeMessage, encodeMessage } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { encodeReply } from './reply-size.ts';

const LIMIT = 64 * 1024;

/** The result of a flow whose forwarding entry has as many outgoing interfaces. */
function flow(state: string, oifs: number) {
  return { state, mfe: { oifs: Array.from({ length: oifs }, (_, at) => [at + 1, '']) } };
}

/** The states of a reply as it was encoded. */
function statesIn(bytes: Uint8Array | undefined): string[] {
  const decoded = decodeMessage(bytes ?? new Uint8Array());
  const { results } = decoded.kind === 'message' ? decoded.value : {};
  return Array.isArray(results) ? results.map(({ state }: { state: string }) => state) : [];
}

describe('a reply to flow.new', () => {
  it('has every entry where they fit', () => {
    const reply = { status: 0, rev: 1, results: [flow('installed', 100), { state: 'local' }] };
    expect(encodeReply(reply, LIMIT)).toEqual(encodeMessage(reply));
  });

  it('has the first entries, and the others are to be asked for again, within the limit', () => {
    const large = Array.from({ length: 5 }, () => flow('known', 5_000));
    const reply = {
      status: 0,
      rev: 1,
      results: [{ state: 'local' }, ...large, flow('installed', 0)],
    };
    const bytes = encodeReply(reply, LIMIT);
    expect(bytes?.length).toBeLessThanOrEqual(LIMIT);
    expect(statesIn(bytes).slice(0, 3)).toEqual(['local', 'known', 'known']);
    expect(statesIn(bytes).filter((state) => state === 'pending').length).toBeGreaterThan(1);
    expect(statesIn(bytes)).toHaveLength(7);
  });
});
