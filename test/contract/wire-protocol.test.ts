import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { unpack } from '../support/raw-codec.ts';
import { asyncApi } from './asyncapi-document.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = join(ROOT, 'docs/wire-protocol.md');
const page = readFileSync(PAGE, 'utf8');

/** Runs the generator of the page's tables; rejects with its output when it does not exit with 0. */
async function generate(...args: string[]): Promise<void> {
  const node = ['--conditions=@mgm/source', join(ROOT, 'packages/protocol/scripts/wire-tables.ts')];
  await promisify(execFile)(process.execPath, [...node, ...args], { timeout: 150_000 });
}

describe('the generated parts', () => {
  it('are up to date with their sources', async () => {
    await expect(generate('--check')).resolves.toBeUndefined();
  });

  it.each([
    ['a part that was edited', /\| `mailboxAck`\? /, '| `mailboxAcks`? ', 'keepalive request'],
    ['an example that was edited', /"takeover":|"actor":"alice@noc"/, '"actor":"bob"', 'examples'],
    ['a part that is not there', /<!-- generated: refusals -->/, '', 'parts missing'],
    ['an unknown part', /<!-- generated: refusals -->/, '<!-- generated: x -->', 'part x'],
  ])('are not taken for that with %s', async (_, what, instead, complaint) => {
    const folder = mkdtempSync(join(tmpdir(), 'mgm-wire-'));
    try {
      const copy = join(folder, 'page.md');
      writeFileSync(copy, page.replace(what, instead));
      await expect(generate('--check', copy)).rejects.toThrow(complaint);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the examples', () => {
  const examples = [
    ...page.matchAll(/^\*\*(\S+)\*\* .*\n\n```json\n(.*)\n```\n\n```hex\n([^`]*)\n```/gm),
  ];

  it('include every message', () => {
    const all = Object.values(asyncApi.components.messages).flatMap((one) => one.examples);
    expect(examples.map(([, name]) => name)).toEqual(all.map(({ name }) => name));
  });

  it.each(examples.map(([, name = '', json = '', hex = '']) => ({ name, json, hex })))(
    'have the bytes that encode their JSON: $name',
    ({ json, hex }) => {
      const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
      expect(unpack(bytes)).toEqual(JSON.parse(json));
    },
  );
});

it('every link has a target', () => {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => `#${slug(title)}`);
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(links.length).toBeGreaterThan(20);
  for (const link of links.filter((one) => !one.startsWith('https:'))) {
    if (link.startsWith('#')) expect(headings).toContain(link);
    else
      expect({ link, exists: existsSync(resolve(dirname(PAGE), link)) }).toEqual({
        link,
        exists: true,
      });
  }
});

/** The anchor that GitHub derives from a heading. */
function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
