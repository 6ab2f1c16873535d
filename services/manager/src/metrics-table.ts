import { METRICS } from './metric-list.ts';

/** The metrics as a Markdown table: name, type, labels, meaning. */
export function metricsTable(): string {
  const rows = METRICS.map(({ name, type, labels = [], help }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named} | ${help} |`;
  });
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}
