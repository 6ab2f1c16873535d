import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchTool, fromRoot } from './rendered.ts';

const run = promisify(execFile);
const cwd = fromRoot('deploy/prometheus');
const rules = readFileSync(fromRoot('deploy/prometheus/mgm.rules.yml'), 'utf8');
const dashboard = readFileSync(fromRoot('deploy/grafana/mgm.json'), 'utf8');
const operations = readFileSync(fromRoot('docs/operations.md'), 'utf8');
/** The generated table of docs/metrics.md names every metric of a manager. */
const table = readFileSync(fromRoot('docs/metrics.md'), 'utf8');
const exported = new Set([...table.matchAll(/^\| `(mgm_[a-z_]+)` \|/gm)].map(([, name]) => name));

function metricsIn(text: string): string[] {
  const names = [...text.matchAll(/\bmgm_[a-z_]+/g)].map(([name]) => name);
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))];
}

let promtool = '';
beforeAll(async () => {
  promtool = await fetchTool('promtool');
}, 200_000);

describe('deploy/prometheus', () => {
  it('has rules that promtool accepts', async () => {
    const { stdout } = await run(promtool, ['check', 'rules', 'mgm.rules.yml'], { cwd });
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });

  it('raises its alerts for the series of mgm.rules.test.yml', async () => {
    const { stdout } = await run(promtool, ['test', 'rules', 'mgm.rules.test.yml'], { cwd });
    expect(stdout).toContain('SUCCESS');
  });

  it('uses metrics that a manager exports', () => {
    expect(exported.size).toBeGreaterThan(10);
    expect(metricsIn(rules).filter((name) => !exported.has(name))).toEqual([]);
  });

  it('has an alert for every section of docs/operations.md, and the other way round', () => {
    const { groups } = parse(rules) as { groups: { rules: { alert: string }[] }[] };
    const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert));
    const documented = [...operations.matchAll(/^### (Mgm[A-Za-z]+)$/gm)].map(([, name]) => name);
    expect(documented.toSorted()).toEqual(alerts.toSorted());
  });
});

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describe('deploy/grafana', () => {
  it('has a title and a query in each panel, over metrics that a manager exports', async () => {
    const { panels } = JSON.parse(dashboard) as { panels: Panel[] };
    expect(panels.length).toBeGreaterThan(8);
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(panels.every(({ title }) => title !== '')).toBe(true);
    expect(queries.length).toBeGreaterThanOrEqual(panels.length);
    const used = queries.flatMap(metricsIn);
    expect(used.filter((name) => !exported.has(name))).toEqual([]);
    // Each query is valid PromQL: promtool parses it as the expression of a rule.
    const filled = queries.map((expr) =>
      expr.replaceAll('$__rate_interval', '1m').replaceAll('$router', '.*'),
    );
    const asRules = {
      groups: [
        { name: 'panels', rules: filled.map((expr, at) => ({ record: `panel:${at}`, expr })) },
      ],
    };
    const dir = await mkdtemp(join(tmpdir(), 'mgm-panels-'));
    const file = join(dir, 'panels.yml');
    await writeFile(file, JSON.stringify(asRules));
    const { stdout } = await run(promtool, ['check', 'rules', file]);
    await rm(dir, { recursive: true });
    expect(stdout).toContain(`SUCCESS: ${filled.length} rules found`);
  });
});
