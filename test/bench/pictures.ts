import { type Bar, barChart, type Stack, stackChart } from './charts.ts';
import type { Figure } from './figures.ts';
import type { Section } from './report.ts';
import { median, spreadOf } from './statistics.ts';
import type { ScenarioName } from './scenarios.ts';

/** The chart of a section: file name, description and SVG. */
export interface Picture {
  readonly file: string;
  readonly shows: string;
  readonly svg: string;
}

type Draw = (figures: readonly Figure[]) => Omit<Picture, 'file'>;

const PICTURES: { readonly [Name in ScenarioName]?: Draw } = {
  takes: (figures) => {
    const shows = 'Takes per second, 1024 in flight';
    const rates = figures.filter(({ unit }) => unit === '/s');
    return bars(shows, 'per second', rates, isOurTake);
  },
  'round-trip': (figures) => {
    const shows = 'One at a time: round trips';
    const times = figures.filter(({ unit }) => unit === 'ms');
    return bars(shows, 'ms', times, ({ id }) => id.includes('take'));
  },
  steady: (figures) => {
    const shows = 'At half of the most: from being due to being answered';
    const times = figures.filter(({ unit }) => unit === 'ms');
    return bars(shows, 'ms', times);
  },
  replicas: (figures) => {
    const shows = 'CPU time per take, by process';
    const parts = ['managers', 'redis', 'nats', 'load'];
    const stacks = figures
      .filter(({ id }) => id.endsWith('.rate'))
      .map((rate): Stack => {
        const of = rate.id.slice(0, -'rate'.length);
        return { label: rate.what, parts: parts.map((part) => middleOf(figures, of + part)) };
      });
    return { shows, svg: stackChart(shows, 'µs', parts, stacks) };
  },
  table: (figures) => {
    const shows = 'Takes per second by size of the router, 64 in flight';
    const rates = figures.filter(({ unit }) => unit === '/s');
    return bars(shows, 'per second', rates);
  },
};

/** The chart of a section, if it has one. */
export function pictureOf({ scenario, figures }: Section): Picture | undefined {
  const drawn = PICTURES[scenario]?.(figures);
  return drawn && { file: `${scenario}.svg`, ...drawn };
}

function isOurTake({ id }: Figure): boolean {
  return ['client', 'single', 'bulk', 'store', 'durable'].some((name) =>
    id.startsWith(`takes.${name}`),
  );
}

function barsOf(figures: readonly Figure[], isOurs: (figure: Figure) => boolean): Bar[] {
  return figures
    .filter(({ values }) => values.length > 0)
    .map((figure) => ({
      label: figure.what,
      spread: spreadOf(figure.values),
      isOurs: isOurs(figure),
    }));
}

function middleOf(figures: readonly Figure[], id: string): number {
  return median(figures.find((figure) => figure.id === id)?.values ?? []);
}

/** Whether a bar is highlighted; by default all are. */
function bars(
  shows: string,
  unit: string,
  figures: readonly Figure[],
  isOurs: (figure: Figure) => boolean = () => true,
): Omit<Picture, 'file'> {
  return { shows, svg: barChart(shows, unit, barsOf(figures, isOurs)) };
}
