import { parseArgs } from 'node:util';
import type { Durability } from './topology/system.ts';

export const TOPOLOGIES = ['single', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];
const DURABILITIES = ['memory', 'durable', 'replicated'] as const;

/** The settings of one run. */
export interface Settings {
  readonly topology: TopologyName;
  readonly seconds: number;
  readonly seed: number;
  readonly durability: Durability | undefined;
  /** Only faults whose names contain one of these; empty: all available ones. */
  readonly faults: readonly string[];
  /** The mean pause of a worker between two calls. */
  readonly pauseMs: number;
  /** The rate of hostile requests on each router. */
  readonly hostilePerSecond: number;
  /** A commit whose manager joins the others from time to time. */
  readonly older: string | undefined;
  /** The commit of all other managers, if not the working tree. */
  readonly managers: string | undefined;
  /** Folder for the histories; without it only those of a run with a finding are kept. */
  readonly keep: string | undefined;
  readonly json: boolean;
}

export const HELP = `npm run robustness -- [options]

Runs managers, NATS, Redis and workers as processes, injects faults at random, and then checks the recorded histories:
linearizability per interface, one owner at a time, rising epochs, gapless events, callbacks, durability.

  --topology NAME     single, sentinel, cluster (single)
  --minutes M         duration of traffic and faults (1)
  --seconds S         the same in seconds
  --seed N            seed of faults and traffic (default: random, and printed)
  --faults LIST       only faults whose name contains one of these words: kill,script-flush
  --faults list       prints the available faults, and why others are not available
  --durability MODE   memory, durable, replicated (default: that of the topology)
  --pause MS          mean pause between two calls of a worker (60): more means less load
  --hostile RATE      hostile requests per second on each router (40)
  --older REF         an older commit, whose manager joins the others from time to time; single only
  --managers REF      all managers are of that commit: to find out whether it had a bug
  --keep DIR          keeps the histories there; without it only those of a run with findings, in .cache
  --judge DIR         runs nothing, and checks the kept histories of a run again
  --json              the report as JSON on standard output

The same seed gives the same faults in the same order; the calls they hit depend on the machine. Exits with 0 when every check
held, 1 when one was violated, 3 when the run was inconclusive because too little happened.

Examples:

  npm run robustness -- --minutes 30 --topology sentinel --seed 7
  npm run robustness -- --seconds 20 --faults manager-kill,worker-stop
  npm run robustness -- --faults list --topology cluster
`;

export type Request =
  | { readonly kind: 'help' }
  | { readonly kind: 'list'; readonly settings: Settings }
  | { readonly kind: 'judge'; readonly folder: string }
  | { readonly kind: 'run'; readonly settings: Settings };

/** Reads the command line. @throws RangeError that names the wrong option */
export function requestOf(args: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...args],
    options: {
      topology: { type: 'string', default: 'single' },
      minutes: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      faults: { type: 'string', default: '' },
      durability: { type: 'string' },
      pause: { type: 'string', default: '60' },
      hostile: { type: 'string', default: '40' },
      older: { type: 'string' },
      managers: { type: 'string' },
      judge: { type: 'string' },
      keep: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  if (values.judge !== undefined) return { kind: 'judge', folder: values.judge };
  const { durability, minutes = '1' } = values;
  const settings: Settings = {
    topology: oneOf('topology', values.topology, TOPOLOGIES),
    seconds:
      values.seconds === undefined
        ? 60 * above0('minutes', minutes)
        : above0('seconds', values.seconds),
    seed: values.seed === undefined ? Date.now() % 2 ** 31 : above0('seed', values.seed),
    durability:
      durability === undefined ? undefined : oneOf('durability', durability, DURABILITIES),
    faults: values.faults === 'list' ? [] : values.faults.split(',').filter((word) => word !== ''),
    pauseMs: above0('pause', values.pause),
    hostilePerSecond: above0('hostile', values.hostile),
    older: values.older,
    managers: values.managers,
    keep: values.keep,
    json: values.json,
  };
  return { kind: values.faults === 'list' ? 'list' : 'run', settings };
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new RangeError(`--${option} ${text}: must be one of ${names.join(', ')}`);
}

function above0(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`--${option} ${text}: must be a number above 0`);
}
