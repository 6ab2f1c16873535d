import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Live } from '../model/live.ts';

const HEIGHT_PX = 160;
const DRAW_EVERY_MS = 1_000;

/** Changes per second over the last minutes. */
export function RateChart({ live }: { readonly live: Live }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const axis = { stroke: style.color, grid: { stroke: style.borderColor, width: 1 } };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, _min, max) => [0, Math.max(5, max)] } },
        axes: [
          { ...axis, space: 80, values: (_, times) => times.map(clockText) },
          { ...axis, size: 40 },
        ],
        series: [{}, { stroke: style.outlineColor, width: 2, points: { show: false } }],
      },
      [...live.rates()],
      element,
    );
    const timer = setInterval(() => chart.setData([...live.rates()]), DRAW_EVERY_MS);
    const resized = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    );
    resized.observe(element);
    return () => {
      clearInterval(timer);
      resized.disconnect();
      chart.destroy();
    };
  }, [live]);
  return (
    <div
      class="chart"
      role="img"
      aria-label="Changes per second over the last five minutes, times in UTC"
      ref={box}
    />
  );
}

/** `10:27:44`, in UTC as everywhere else. */
function clockText(second: number): string {
  return new Date(second * 1_000).toISOString().slice(11, 19);
}
