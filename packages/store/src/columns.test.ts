import { describe, expect, it } from 'vitest';
import { inColumns, type Call } from './columns.ts';

const handle = (secret: string): unknown[] => [1, 17, secret];

function take(secret: string, seq: number, interfaces: string[], held: number[] = []): Call {
  return { operation: 'take', call: ['take', handle(secret), seq, 1, interfaces, held] };
}

describe('calls that follow each other', () => {
  it('with one handle, on one interface each, become one', () => {
    expect(inColumns([take('s', 1, ['7:']), take('s', 2, ['8:'])])).toEqual([
      ['each', 'take', handle('s'), [1, 2], [1, 1], ['7:', '8:']],
    ]);
  });

  it('stay apart where only the session is the same: the secret decides', () => {
    const calls = inColumns([take('s', 1, ['7:']), take('forged', 2, ['8:'])]);
    expect(calls).toEqual([
      ['each', 'take', handle('s'), [1], [1], ['7:']],
      ['each', 'take', handle('forged'), [2], [1], ['8:']],
    ]);
  });

  it('stay as they are where they ask for more than an interface, and keep their order', () => {
    const many = take('s', 2, ['8:', '9:']);
    const claim = take('s', 4, ['11:'], [5]);
    const calls = inColumns([take('s', 1, ['7:']), many, take('s', 3, ['10:']), claim]);
    expect(calls).toEqual([
      ['each', 'take', handle('s'), [1], [1], ['7:']],
      many.call,
      ['each', 'take', handle('s'), [3], [1], ['10:']],
      claim.call,
    ]);
  });
});
