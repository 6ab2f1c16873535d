import { readdirSync } from 'node:fs';
import { skipAmongOthers } from '@mgm/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { playExamples, type Shown } from './example-scene.ts';
import { mgmctlStage } from './stage.ts';

const FOLDER = new URL('examples/', import.meta.url);
const stage = mgmctlStage();

/** With `-u` vitest writes the files anew, and `npm run generate` the page that shows them. */
describe('the examples of docs/mgmctl.md', () => {
  let shown: Shown = new Map();
  beforeAll(async () => {
    shown = await playExamples(stage);
  });

  it('are what the program prints', async (ctx) => {
    skipAmongOthers(ctx);
    for (const [name, text] of shown) {
      await expect(text, name).toMatchFileSnapshot(new URL(`${name}.txt`, FOLDER).pathname);
    }
  });

  it('are all there is in their folder', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
    expect(names.toSorted()).toEqual([...shown.keys()].toSorted());
  });
});
