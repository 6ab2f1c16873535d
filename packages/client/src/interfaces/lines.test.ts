import { describe, expect, it } from 'vitest';
import { Lines } from './lines.ts';

interface TestCall {
  readonly keyText: string;
  readonly item: { readonly operation: string; readonly entry?: object | undefined };
  readonly targetText: string;
}

function call(operation: string, entry?: string, keyText = '1'): TestCall {
  const targetText = entry ? `${keyText} ${entry}` : keyText;
  return { keyText, item: { operation, entry: entry ? {} : undefined }, targetText };
}

/** Lines that record the calls in the order in which they start. */
function newLines() {
  const started: TestCall[] = [];
  const skipped = new Set<TestCall>();
  const lines = new Lines<TestCall>((one) => {
    started.push(one);
    return !skipped.has(one);
  });
  return { lines, started, skipped };
}

const [add, remove] = ['member.add', 'member.delete'];

describe('calls on one interface', () => {
  it('run one after the other if they take or release', () => {
    const { lines, started } = newLines();
    const calls = [call('take'), call('release'), call('take')];
    for (const one of calls) lines.add(one);
    expect(started).toEqual(calls.slice(0, 1));
    for (const [at, one] of calls.entries()) {
      expect(lines.leave(one)).toBe(at === 2);
      expect(started).toHaveLength(Math.min(at + 2, 3));
    }
    expect(lines.has('1')).toBe(false);
  });

  it('run together if they add different entries, after the take and before the release', () => {
    const { lines, started } = newLines();
    const [take, one, two, release] = [
      call('take'),
      call(add, 'a'),
      call(add, 'b'),
      call('release'),
    ];
    for (const each of [take, one, two, release]) lines.add(each);
    expect(started).toEqual([take]);
    lines.leave(take);
    expect(started).toEqual([take, one, two]);
    lines.leave(one);
    expect(started).toHaveLength(3);
    lines.leave(two);
    expect(started.at(-1)).toBe(release);
  });

  it('wait for those of another kind and for those on the same entry, and keep their order', () => {
    const { lines, started } = newLines();
    const calls = [call(add, 'a'), call(remove, 'b'), call(remove, 'b'), call(remove, 'c')];
    for (const one of calls) lines.add(one);
    const seen = [started.length];
    for (const one of calls) {
      lines.leave(one);
      seen.push(started.length);
    }
    expect([seen, started]).toEqual([[1, 2, 4, 4, 4], calls]);
  });

  it('that give up while they wait do not start, and hold up no others', () => {
    const { lines, started } = newLines();
    const [one, two, three] = [call('take'), call('release'), call('take')];
    for (const each of [one, two, three]) lines.add(each);
    lines.leave(two);
    lines.leave(one);
    expect(started).toEqual([one, three]);
    expect([...lines.calls()]).toEqual([three]);
  });

  it('that are over when their turn comes make room for the next, however many they are', () => {
    const { lines, started, skipped } = newLines();
    const first = call('take');
    const many = Array.from({ length: 50_000 }, (_, at) => call(add, String(at)));
    const last = call('release');
    for (const one of many) skipped.add(one);
    for (const one of [first, ...many, last]) lines.add(one);
    lines.leave(first);
    expect(started).toHaveLength(50_002);
    expect(lines.leave(last)).toBe(true);
    lines.add(call('take', undefined, '2'));
    skipped.add(call('take'));
  });

  it('do not wait for those on other interfaces', () => {
    const { lines, started } = newLines();
    for (const keyText of ['1', '2', '3']) lines.add(call('take', undefined, keyText));
    expect(started).toHaveLength(3);
  });

  it('know whether the next call is on the same entry', () => {
    const { lines } = newLines();
    const [one, two] = [call(add, 'a'), call(add, 'a')];
    lines.add(one);
    expect(lines.isFollowed(one)).toBe(false);
    lines.add(two);
    expect(lines.isFollowed(one)).toBe(true);
    lines.leave(one);
    lines.add(call(remove, 'b'));
    expect(lines.isFollowed(two)).toBe(false);
  });
});
