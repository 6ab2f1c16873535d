import { parseArgs } from 'node:util';
import type { Durability } from './topology/system.ts';

export const TOPOLOGIES = ['single', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];
const DURABILITIES = ['memory', 'durable', 'replicated'] as const;

/** How one run is to be. */
export interface Settings {
  readonly topology: TopologyName;
  readonly seconds: number;
  readonly seed: number;
  readonly durability: Durability | undefined;
  /** Only faults whose names contain one of these; empty: all that can be had. */
  readonly faults: readonly string[];
  /** How long a worker waits between two calls, on average. */
  readonly pauseMs: number;
  /** Where histories are kept; without it they go with the run, unless it found something. */
  /** A commit whose manager joins now and then. */
  readonly older: string | undefined;
  /** The commit that all other managers are of, if not these sources. */
  readonly managers: string | undefined;
  readonly keep: string | undefined;
  readonly json: boolean;
}

export const HELP = `npm run robustness -- [options]

Runs managers, NATS, Redis and workers as processes, breaks them at random, heals them, and then checks everything that
was recorded: linearizability per interface, one owner at a time, rising epochs, gapless events, callbacks, durability.

  --topology NAME     single, sentinel, cluster (single)
  --minutes M         how long there is traffic and faults (1)
  --seconds S         the same in seconds
  --seed N            draws faults and traffic (drawn itself, and said)
  --faults LIST       only faults whose name contains one of these words: kill,script-flush
  --faults list       which faults there are, and which can't be had here
  --durability MODE   memory, durable, replicated (what the topology can do)
  --pause MS          between two calls of a worker, on average (60): more is less load
  --older REF         a commit of before, whose manager serves beside the others now and then; single only
  --managers REF      all managers are of that commit: whether it had a bug
  --keep DIR          keeps the histories there; without it only those of a run that found something, in .cache
  --judge DIR         runs nothing, and checks again what such a run kept
  --json              the report as JSON on standard output

The seed gives the same faults in the same order for as long; which calls they meet is up to the machine. Ends with 0 when
everything held, 1 when something did not, 3 when the run was inconclusive: too little happened for it to say anything.

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

/** What the command line asks for. @throws RangeError that names what is wrong */
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
