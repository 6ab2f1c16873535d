import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Figure, number } from './figures.ts';
import { keepalives } from './keepalives.ts';
import { memory } from './memory.ts';
import { type Rig, startRig } from './rig.ts';
import type { Size } from './size.ts';
import { sweep } from './sweep.ts';
import { takes } from './takes.ts';

const SCENARIOS = { keepalives, sweep, takes, memory } as const;
type Scenario = keyof typeof SCENARIOS;

const HELP = `npm run scale -- keepalives|sweep|takes|memory|all [options]

Measures how far one manager goes, on Redis and NATS servers of its own, each a process of this machine (Linux).
Figures go to standard output, progress to standard error. Ends with 0 also where a target is missed.

  keepalives   many sessions keep their leases: CPU time of the manager and of Redis
  sweep        a session with many interfaces dies: how long it takes, and what others notice
  takes        takes per second, one by one, gathered, in bulk, and beside a plain SET NX PX
  memory       bytes of Redis per owned interface

  --sessions N     keepalives: sessions (10000)
  --seconds N      keepalives: how long (60)
  --interfaces N   sweep, memory: interfaces (100000)
  --rounds N       sweep, takes: how often; medians are told (5)
  --profile DIR    a CPU profile of the manager into this folder; it costs time
  --json           figures as JSON

Examples:

  npm run scale -- all
  npm run scale -- keepalives --sessions 2000 --seconds 20
  npm run scale -- sweep --rounds 1 --json
`;

interface Report {
  readonly scenario: Scenario;
  readonly servers: string;
  readonly cores: number;
  /** Of the machine over the last minute, when the scenario began. */
  readonly load: number;
  readonly figures: readonly Figure[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sessions: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '60' },
      interfaces: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '5' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const size = {
    sessions: count('sessions', values.sessions),
    seconds: count('seconds', values.seconds),
    interfaces: count('interfaces', values.interfaces),
    rounds: count('rounds', values.rounds),
  };
  const reports: Report[] = [];
  for (const scenario of scenariosOf(positionals)) {
    const report = await measure(scenario, size, values.profile);
    reports.push(report);
    if (!values.json) process.stdout.write(`${textOf(report)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
}

async function measure(
  scenario: Scenario,
  size: Size,
  profileDir: string | undefined,
): Promise<Report> {
  const load = loadavg()[0] ?? 0;
  await using rig: Rig = await startRig({
    say: (line) => process.stderr.write(`${scenario}: ${line}\n`),
    profileDir,
  });
  const figures = await SCENARIOS[scenario](rig, size);
  return { scenario, servers: rig.about, cores: availableParallelism(), load, figures };
}

function textOf({ scenario, servers, cores, load, figures }: Report): string {
  const table = new Table({
    head: [scenario, 'value', 'unit', 'target', ''],
    colAligns: ['left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { what, value, unit, target = '', met } of figures) {
    const verdict = met === undefined ? '' : met ? 'met' : 'missed';
    table.push([what, number(value), unit, target, verdict]);
  }
  return `${servers}; ${cores} cores, load ${number(load)} at the start\n${table.toString()}`;
}

function scenariosOf(names: readonly string[]): Scenario[] {
  const all = Object.keys(SCENARIOS).filter(isScenario);
  const [name = '', ...others] = names;
  if (name === 'all' && others.length === 0) return all;
  const unknown = names.find((one) => !isScenario(one));
  if (names.length > 0 && unknown === undefined) return names.filter(isScenario);
  return stop(`${unknown ?? 'nothing'} to measure: must be ${all.join(', ')} or all; see --help`);
}

function isScenario(name: string): name is Scenario {
  return Object.hasOwn(SCENARIOS, name);
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return stop(`--${name} ${text}: must be a whole number from 1`);
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (import.meta.main) await main();
