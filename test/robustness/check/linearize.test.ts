import { describe, expect, it } from 'vitest';
import { linearize, type Model, type Operation } from './linearize.ts';

type RegisterOp = { readonly kind: 'write' | 'read'; readonly value: number };

const register: Model<number, RegisterOp> = {
  initial: 0,
  step: (state, { kind, value }) =>
    kind === 'write' ? value : state === value ? state : undefined,
  onlyReads: ({ kind }) => kind === 'read',
  key: String,
};

function op(
  kind: 'write' | 'read',
  value: number,
  from: number,
  to: number,
): Operation<RegisterOp> {
  return { op: { kind, value }, invokedMono: from, returnedMono: to };
}

function kindOf(history: Operation<RegisterOp>[], limits = {}): string {
  const all = { withinMs: 10_000, configurations: 100_000, ...limits };
  return linearize(register, history, all).kind;
}

describe('the search for one order', () => {
  it('accepts sequential and overlapping operations', () => {
    expect(kindOf([])).toBe('ok');
    expect(kindOf([op('write', 1, 0, 1), op('read', 1, 2, 3)])).toBe('ok');
    const overlapping = [op('write', 1, 0, 10), op('read', 0, 1, 2), op('read', 1, 3, 4)];
    expect(kindOf(overlapping)).toBe('ok');
  });

  it('rejects a value that was never written, and one that was overwritten earlier', () => {
    expect(kindOf([op('read', 1, 0, 1)])).toBe('violated');
    const stale = [op('write', 1, 0, 1), op('write', 2, 2, 3), op('read', 1, 4, 5)];
    expect(kindOf(stale)).toBe('violated');
  });

  it('rejects a read that misses a write seen by an earlier read', () => {
    const back = [op('write', 1, 0, 10), op('read', 1, 1, 2), op('read', 0, 3, 4)];
    expect(kindOf(back)).toBe('violated');
  });

  it('accepts an operation without a return late or never, but not before its call', () => {
    const late = [op('write', 1, 0, Infinity), op('read', 0, 1, 2), op('read', 1, 3, 4)];
    expect(kindOf(late)).toBe('ok');
    expect(kindOf([op('write', 1, 0, Infinity), op('read', 0, 1, 2)])).toBe('ok');
    expect(kindOf([op('read', 1, 0, 1), op('write', 1, 2, Infinity)])).toBe('violated');
    const twice = [...late, op('write', 2, 5, 6), op('read', 1, 7, 8)];
    expect(kindOf(twice)).toBe('violated');
  });

  it('treats operations that meet at one instant as concurrent', () => {
    expect(kindOf([op('write', 1, 0, 1), op('read', 0, 1, 2)])).toBe('ok');
  });

  it('reports the operation without a valid instant, the pending ones and the possible states', () => {
    const history = [op('write', 1, 0, 1), op('write', 2, 2, 9), op('read', 3, 4, 5)];
    const found = linearize(register, history, { withinMs: 10_000, configurations: 1_000 });
    expect(found).toMatchObject({
      kind: 'violated',
      at: history[2],
      underWay: [history[1]],
      states: [1],
    });
  });

  it('is inconclusive when the limit of configurations is reached', () => {
    const unanswered = Array.from({ length: 20 }, (_, at) => op('write', at + 1, 0, Infinity));
    expect(kindOf([...unanswered, op('read', 21, 1, 2)], { configurations: 2_000 })).toBe(
      'inconclusive',
    );
  });

  it('needs about one configuration per operation of a history without overlap', () => {
    const long = Array.from({ length: 5_000 }, (_, at) => op('write', at, 2 * at, 2 * at + 1));
    const found = linearize(register, long, { withinMs: 10_000, configurations: 20_000 });
    expect(found).toEqual({ kind: 'ok', configurations: 10_000 });
  });
});
