import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { barChart, stackChart } from './charts.ts';
import { filled } from './page.ts';
import { filesOf, merged, readRecord, updateDocs } from './record.ts';
import type { Section } from './report.ts';
import { SCENARIO_NAMES } from './scenarios.ts';
import { spreadOf } from './statistics.ts';
import { markdownTable, rowOf, terminalTable } from './tables.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

const SECTION: Section = {
  scenario: 'takes',
  at: '2026-11-23T10:00:00.000Z',
  servers: 'servers: processes',
  machine: { cpu: 'any', cores: 2, memoryGiB: 4, kernel: '6', node: '24.0.0' },
  loadBefore: 1,
  quick: false,
  figures: [
    { id: 'takes.client', what: 'client library', unit: '/s', values: [100, 300, 200] },
    { id: 'takes.etcd', what: 'etcd', unit: '/s', values: [], absent: 'not on this machine' },
    {
      id: 'takes.client/etcd',
      what: 'a | b',
      unit: '×',
      values: [0.5],
      target: { atLeast: 1 },
    },
  ],
};

describe('a table', () => {
  it('has a row per figure: median, spread, target, verdict', () => {
    expect(SECTION.figures.map(rowOf)).toEqual([
      ['client library', '200 /s', '100 to 300', '', ''],
      ['etcd', '–', 'not on this machine', '', 'not measured'],
      ['a | b', '0.5 ×', '', '≥ 1 ×', 'missed'],
    ]);
  });

  it('in Markdown has the layout of the formatter', () => {
    expect(markdownTable(SECTION.figures.slice(1))).toBe(
      [
        '| What   | Median |   Lowest to highest | Target |              |',
        '| ------ | -----: | ------------------: | ------ | ------------ |',
        '| etcd   |      – | not on this machine |        | not measured |',
        '| a \\| b |  0.5 × |                     | ≥ 1 ×  | missed       |',
      ].join('\n'),
    );
  });

  it('in the terminal names the machine and the servers', () => {
    expect(terminalTable(SECTION)).toContain('servers: processes; 2 cores, load 1 at the start');
  });
});

describe('a chart', () => {
  const bar = { label: 'client <library>', spread: spreadOf([1, 2, 3]), isOurs: true };

  it('is a reproducible SVG with its labels and values', () => {
    const svg = barChart('Takes', 'per second', [bar]);
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 760 \d+"/);
    expect(svg).toContain('client &lt;library&gt;');
    expect(svg).toContain('Takes (per second)');
    expect(svg).toContain('>2</text>');
    expect(barChart('Takes', 'per second', [bar])).toBe(svg);
  });

  it('has a whisker from the lowest to the highest round', () => {
    const flat = { ...bar, spread: spreadOf([2, 2, 2]) };
    const horizontal = /d="M[\d.]+ ([\d.]+)L[\d.]+ \1"[^>]*stroke="#333333"/;
    expect(barChart('Takes', '/s', [bar])).toMatch(horizontal);
    expect(barChart('Takes', '/s', [flat])).not.toMatch(horizontal);
  });

  it('of stacked bars names the parts', () => {
    const svg = stackChart(
      'CPU',
      'µs',
      ['manager', 'redis'],
      [{ label: '1 manager', parts: [3, 4] }],
    );
    for (const text of ['1 manager', '>manager<', '>redis<', '>3</text>', '>4</text>']) {
      expect(svg).toContain(text);
    }
  });
});

describe('the page', () => {
  it('is changed only between its markers', () => {
    const page = 'a\n<!-- begin bench takes -->\nold\n<!-- end -->\nb\n';
    expect(filled(page, 'takes', 'new')).toBe(
      'a\n<!-- begin bench takes -->\n\nnew\n\n<!-- end -->\nb\n',
    );
    expect(() => filled(page, 'sweep', 'new')).toThrow('no <!-- begin bench sweep -->');
  });

  it('shows the recorded figures in tables and charts', async () => {
    for (const [path, content] of await filesOf(await readRecord())) {
      expect(await readFile(join(DOCS, path), 'utf8'), path).toBe(content);
    }
  });

  it('has markers for every scenario', async () => {
    const page = await readFile(join(DOCS, 'performance.md'), 'utf8');
    for (const name of ['targets', ...SCENARIO_NAMES]) {
      expect(page).toContain(`<!-- begin bench ${name} -->`);
    }
  });

  it('gets the measured sections and keeps the others', async () => {
    await using dir = await temporaryDocs();
    const before = await readRecord(dir.path);
    const paths = await updateDocs([SECTION], dir.path);
    expect(paths).toContain('performance/takes.svg');
    const after = await readRecord(dir.path);
    expect(after.find(({ scenario }) => scenario === 'takes')).toEqual(SECTION);
    expect(after.filter(({ scenario }) => scenario !== 'takes')).toEqual(
      before.filter(({ scenario }) => scenario !== 'takes'),
    );
    const page = await readFile(join(dir.path, 'performance.md'), 'utf8');
    expect(page).toContain('| client library |');
  });
});

describe('records', () => {
  it('are merged in the order of the page', () => {
    const of = (scenario: Section['scenario'], at: string): Section => ({
      ...SECTION,
      scenario,
      at,
    });
    const result = merged([of('sweep', 'old'), of('takes', 'old')], [of('takes', 'new')]);
    expect(result.map(({ scenario, at }) => `${scenario} ${at}`)).toEqual([
      'takes new',
      'sweep old',
    ]);
  });
});

async function temporaryDocs() {
  const path = await mkdtemp(join(tmpdir(), 'mgm-docs-'));
  await cp(join(DOCS, 'performance.md'), join(path, 'performance.md'));
  await cp(join(DOCS, 'performance'), join(path, 'performance'), { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
