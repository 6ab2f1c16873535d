import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { unsupportedNode } from './node-version.ts';

it.each([
  ['20.20.0', 'needs Node 22.18 or newer, this is 20.20'],
  ['22.17.1', 'needs Node 22.18 or newer, this is 22.17'],
  ['22.18.0', undefined],
  ['24.1.0', undefined],
])('Node %s: %s', (version, reason) => {
  expect(unsupportedNode(version)).toBe(reason);
});

it('the oldest supported Node is that of package.json', () => {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  expect(manifest).toContain('"node": ">=22.18"');
});
