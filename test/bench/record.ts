import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageWith } from './page.ts';
import { pictureOf } from './pictures.ts';
import type { Section } from './report.ts';
import { SCENARIO_NAMES } from './scenarios.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
/** The recorded figures, which the page shows and `--check` compares with. */
const RECORD = 'performance/figures.json';
const PAGE = 'performance.md';

export async function readRecord(docs = DOCS): Promise<Section[]> {
  return JSON.parse(await readFile(join(docs, RECORD), 'utf8')) as Section[];
}

/** The recorded sections with these replaced, in the order of the page. */
export function merged(recorded: readonly Section[], measured: readonly Section[]): Section[] {
  return SCENARIO_NAMES.flatMap((name) => {
    const isIt = ({ scenario }: Section): boolean => scenario === name;
    const section = measured.find(isIt) ?? recorded.find(isIt);
    return section ? [section] : [];
  });
}

/** The content of every docs file that shows these sections, by its path below docs. */
export async function filesOf(
  sections: readonly Section[],
  docs = DOCS,
): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(docs, PAGE), 'utf8');
  const pictures = sections.flatMap((section) => pictureOf(section) ?? []);
  return new Map([
    [RECORD, `${JSON.stringify(sections, null, 1)}\n`],
    [PAGE, pageWith(page, sections)],
    ...pictures.map(({ file, svg }): [string, string] => [`performance/${file}`, svg]),
  ]);
}

/** Updates the record, the page and the charts with these sections. Returns the written paths, below docs. */
export async function updateDocs(measured: readonly Section[], docs = DOCS): Promise<string[]> {
  const recorded = await readRecord(docs).catch(() => []);
  const files = await filesOf(merged(recorded, measured), docs);
  await mkdir(join(docs, 'performance'), { recursive: true });
  for (const [path, content] of files) await writeFile(join(docs, path), content);
  return [...files.keys()];
}
