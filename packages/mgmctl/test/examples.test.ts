import { readdirSync } from 'node:fs';
import { skipAmongOthers } from '@mgm/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { playExamples, type Shown } from './example-scene.ts';
import { mgmctlStage } from './stage.ts';

const FOLDER = new URL('examples/', import.meta.url);
const stage = mgmctlStage();

/** `vitest -u` records them again, and `npm run generate` updates the page. */
describe('the examples of docs/mgmctl.md', () => {
  let shown: Shown = new Map();
  beforeAll(async () => {
    shown = await playExamples(stage);
  });

  it('are the output of the program', async (ctx) => {
    skipAmongOthers(ctx);
    for (const [name, text] of shown) {
      await expect(text, name).toMatchFileSnapshot(new URL(`${name}.txt`, FOLDER).pathname);
    }
  });

  it('are all files of their folder', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
    expect(names.toSorted()).toEqual([...shown.keys()].toSorted());
  });
});
