import { BarChart, CustomChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { number, type Spread } from './statistics.ts';

use([BarChart, CustomChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 760;
const ROW = 30;
const MARGIN = 96;
const OWN = '#1f6f8b';
const OTHERS = '#9aa5b1';
const LAYERS = ['#1f6f8b', '#c8553d', '#e0a458', '#9aa5b1'];
const WHISKER = '#333333';
const FONT = 'sans-serif';

/** One bar: the median, with a whisker from the lowest to the highest round. */
export interface Bar {
  readonly label: string;
  readonly spread: Spread;
  /** The bars of this product are highlighted. */
  readonly isOurs: boolean;
}

/** A chart of horizontal bars, the first on top, as SVG. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const upwards = bars.toReversed();
  return drawn(bars.length, {
    ...common(
      title,
      unit,
      upwards.map(({ label }) => label),
    ),
    series: [
      {
        type: 'bar',
        barWidth: '62%',
        data: upwards.map(({ spread, isOurs }) => ({
          value: spread.median,
          itemStyle: { color: isOurs ? OWN : OTHERS },
        })),
        label: {
          show: true,
          position: 'insideLeft',
          color: '#ffffff',
          textBorderColor: 'rgba(0,0,0,0.45)',
          textBorderWidth: 2,
          formatter: ({ value }: { readonly value: number }) => number(value),
        },
      },
      {
        type: 'custom',
        z: 10,
        data: upwards.map(({ spread }, at) => [at, spread.min, spread.max]),
        renderItem: (_: unknown, at: Axes) => whisker(at),
        encode: { x: [1, 2], y: 0 },
      },
    ],
  });
}

/** The parts of each bar. */
export interface Stack {
  readonly label: string;
  readonly parts: readonly number[];
}

/** A chart of stacked bars, the first on top. `parts` names the parts in order. */
export function stackChart(
  title: string,
  unit: string,
  parts: readonly string[],
  stacks: readonly Stack[],
): string {
  const upwards = stacks.toReversed();
  return drawn(stacks.length + 1, {
    ...common(
      title,
      unit,
      upwards.map(({ label }) => label),
    ),
    legend: { bottom: 4, textStyle: { fontFamily: FONT } },
    series: parts.map((name, at) => ({
      type: 'bar',
      name,
      stack: 'all',
      barWidth: '62%',
      itemStyle: { color: LAYERS[at % LAYERS.length] },
      data: upwards.map((stack) => stack.parts[at] ?? 0),
      label: {
        show: true,
        color: '#ffffff',
        formatter: ({ value }: { readonly value: number }) => number(value),
      },
    })),
  });
}

function common(title: string, unit: string, labels: readonly string[]) {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT },
    title: { text: `${title} (${unit})`, left: 12, top: 8, textStyle: { fontSize: 15 } },
    grid: { left: 12, right: 28, top: 44, bottom: 36, ...LABELS_WITHIN },
    xAxis: { type: 'value', axisLabel: { formatter: (value: number) => number(value) } },
    yAxis: { type: 'category', data: labels, axisTick: { show: false } },
  };
}

const LABELS_WITHIN = { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' } as const;

/** Removes hover styles, which contain numbers that differ from run to run. */
function withoutPointing(svg: string): string {
  return svg
    .replace(/<style >.*?<\/style>\n?/s, '')
    .replaceAll(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, '');
}

function drawn(rows: number, option: Parameters<Drawing['setOption']>[0]): string {
  const size = { width: WIDTH, height: MARGIN + rows * ROW };
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption(option);
    return `${withoutPointing(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

type Drawing = ReturnType<typeof init>;

/** The part of the ECharts API for custom series that is used here. */
interface Axes {
  value(dimension: number): number;
  coord(point: readonly [number, number]): readonly [number, number];
}

/** A line from the lowest to the highest value, with a cap at each end. */
function whisker(axes: Axes) {
  const row = axes.value(0);
  const [left, middle] = axes.coord([axes.value(1), row]);
  const [right] = axes.coord([axes.value(2), row]);
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: WHISKER, lineWidth: 1.5 },
  });
  const end = 4;
  return {
    type: 'group',
    children: [
      line(left, middle, right, middle),
      line(left, middle - end, left, middle + end),
      line(right, middle - end, right, middle + end),
    ],
  };
}
