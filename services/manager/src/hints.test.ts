import { describe, expect, it } from 'vitest';
import { HintRate } from './hints.ts';

describe('the rate of hints', () => {
  it('is at most 100 in any second, by interface', () => {
    let nowMono = 0;
    const rate = new HintRate(() => nowMono);
    const admitted = (name: string, count: number) =>
      Array.from({ length: count }, () => rate.admits(name)).filter(Boolean).length;
    expect(admitted('r1 7:', 60)).toBe(60);
    nowMono = 900;
    expect(admitted('r1 7:', 60)).toBe(40);
    expect(admitted('r1 8:', 200)).toBe(100);
    nowMono = 999;
    expect(admitted('r1 7:', 1)).toBe(0);
    nowMono = 1000;
    expect(admitted('r1 7:', 200)).toBe(60);
    nowMono = 1900;
    expect(admitted('r1 7:', 200)).toBe(40);
  });

  it('is kept of 1000 interfaces; others have to wait until one is over', () => {
    let nowMono = 0;
    const rate = new HintRate(() => nowMono);
    for (let number = 1; number <= 1000; number++) expect(rate.admits(`r1 ${number}:`)).toBe(true);
    nowMono = 500;
    expect(rate.admits('r1 1001:')).toBe(false);
    expect(rate.admits('r1 1:')).toBe(true);
    nowMono = 1000;
    expect(rate.admits('r1 1001:')).toBe(true);
    nowMono = 1001;
    expect(rate.admits('r1 1:')).toBe(true);
  });
});
