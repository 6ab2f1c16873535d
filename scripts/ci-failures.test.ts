import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './setup.mjs';
import { Tally } from './tally.mjs';

/** What `.ci/run` prints before its totals, for an npm test with these failures. */
async function shownFor(failures: readonly string[]): Promise<string[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'mgm-ci-'));
  const log = join(folder.path, 'npm-test.log');
  const tally = new Tally();
  const skipped = [{ name: 'completion', reason: 'needs zsh' }];
  tally.addTests('unit', failures.length > 0 ? 1 : 0, {
    passed: 1,
    failures: [...failures],
    skipped,
  });
  const output = [' ✓ a test', ...tally.details(), tally.line()].join('\n');
  writeFileSync(log, `${output}\n`);
  const shown = execFileSync(join(ROOT, '.ci/failures.sh'), [log], { encoding: 'utf8' });
  return shown.split('\n').filter((line) => line !== '');
}

it('prints each failure of npm test once more', async () => {
  expect(await shownFor(['takes twice', 'ends in order'])).toEqual([
    'failed: unit: takes twice',
    'failed: unit: ends in order',
  ]);
});

it('prints nothing if nothing failed', async () => {
  expect(await shownFor([])).toEqual([]);
});

it('prints 50 failures and the number of the others', async () => {
  const shown = await shownFor(Array.from({ length: 53 }, (_, at) => `test ${at}`));
  expect(shown).toHaveLength(51);
  expect(shown.slice(-2)).toEqual(['failed: unit: test 49', 'and 3 more failures, listed above']);
});
