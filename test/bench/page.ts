import { verdictOf } from './figures.ts';
import { pictureOf } from './pictures.ts';
import type { Section } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import { number } from './statistics.ts';
import { markdownTable } from './tables.ts';

const TARGETS = 'targets';
const END = '<!-- end -->';

/** The page with these sections between its markers: the targets, and a chart and a table per scenario. */
export function pageWith(page: string, sections: readonly Section[]): string {
  const withTargets = filled(page, TARGETS, targetsText(sections));
  return sections.reduce(
    (text, section) => filled(text, section.scenario, sectionText(section)),
    withTargets,
  );
}

/** Puts text between `<!-- begin bench NAME -->` and the next end. Throws when the page has no such marker. */
export function filled(page: string, name: string, content: string): string {
  const begin = `<!-- begin bench ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`the page has no ${begin} with ${END} after it`);
  return `${page.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${page.slice(to)}`;
}

function targetsText(sections: readonly Section[]): string {
  const figures = sections.flatMap((section) => section.figures);
  return markdownTable(figures.filter((figure) => verdictOf(figure) !== undefined));
}

function sectionText(section: Section): string {
  const { scenario, figures, at, machine, loadBefore, quick } = section;
  const picture = pictureOf(section);
  const day = at.slice(0, 10);
  const short = quick ? ' A short run: not for the record.' : '';
  return [
    ...(picture ? [`![${picture.shows}](performance/${picture.file})`] : []),
    markdownTable(figures),
    `${day}, ${machine.cores} cores (${machine.cpu}), load average ${number(loadBefore)} when it began.${short}`,
    `Repeat it with \`npm run bench -- ${scenario}\`: ${SCENARIOS[scenario].about}.`,
  ].join('\n\n');
}
