import { parseArgs } from 'node:util';
import { isRouterName, type RouterName } from '@mgm/protocol';

/** What the command line asks for. */
export interface StartOptions {
  /** Whether the three workers run and are shown. */
  readonly demo: boolean;
  /** How many manager replicas. */
  readonly managers: number;
  readonly router: RouterName;
  /** Absent: a free one. */
  readonly natsPort?: number;
  /** Absent: a free one. */
  readonly redisPort?: number;
  /** Folder that is kept, state and logs. Absent: one of this run's own, removed at its end. */
  readonly dataDir?: string;
  /** Every change as a JSON object instead of the view for people. */
  readonly json: boolean;
  /** What the workers do follows from it. */
  readonly seed: number;
}

/** A command line, read. `refused` says what is wrong and what to do. */
export type CommandLine =
  | { readonly kind: 'run'; readonly options: StartOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly why: string };

const MANAGERS_MAX = 16;
const SEED_MAX = 0xffff_ffff;

export const HELP = `npm start                              a local router: NATS, Redis, two managers, and three workers at work on it
npm start -- --no-demo                 NATS, Redis and the managers only, for workers of your own
npm start -- --managers 5              more replicas (1 to ${MANAGERS_MAX}); end one by its process id and watch
npm start -- --nats-port 4222          a certain port instead of a free one; --redis-port likewise
npm start -- --data .data/mine         keep state and logs in this folder, and go on from there next time
npm start -- --json                    every change as one JSON object per line

Flags:
  --no-demo            no workers, no view
  --managers N         manager replicas, 1 to ${MANAGERS_MAX} (2)
  --router NAME        the router that the workers use (demo)
  --nats-port PORT     port of 127.0.0.1 for NATS (a free one)
  --redis-port PORT    port of 127.0.0.1 for Redis (a free one)
  --data DIR           folder to keep (one below .data/, removed at the end)
  --json               changes as JSON instead of a table
  --seed N             what the workers do, 0 to ${SEED_MAX} (1)
  --help               this text

MGM_SERVERS=process|docker     where Redis and NATS come from (processes; containers where there are no programs)
MGM_NATS_URL, MGM_REDIS_URL    servers that run already; they are used and left alone

It prints "ready nats=<url> redis=<url> managers=<n>" once requests are answered. Ctrl-C stops everything it started.`;

const FLAGS = {
  'no-demo': { type: 'boolean' },
  managers: { type: 'string' },
  router: { type: 'string' },
  'nats-port': { type: 'string' },
  'redis-port': { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the arguments after the program's name. Wrong ones are refused, never mended. */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS });
    if (values.help) return { kind: 'help' };
    return { kind: 'run', options: optionsOf(values) };
  } catch (error) {
    return { kind: 'refused', why: `${whyRefused(error)}; npm start -- --help shows all flags` };
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

function optionsOf(values: Values): StartOptions {
  const natsPort = integer('nats-port', values['nats-port'], 1, 65_535);
  const redisPort = integer('redis-port', values['redis-port'], 1, 65_535);
  if (values.data === '') throw new RangeError('--data: must be a folder');
  return {
    demo: !values['no-demo'],
    managers: integer('managers', values.managers, 1, MANAGERS_MAX) ?? 2,
    router: routerOf(values.router ?? 'demo'),
    json: values.json ?? false,
    seed: integer('seed', values.seed, 0, SEED_MAX) ?? 1,
    ...(natsPort !== undefined && { natsPort }),
    ...(redisPort !== undefined && { redisPort }),
    ...(values.data !== undefined && { dataDir: values.data }),
  };
}

function integer(
  flag: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RangeError(`--${flag} ${text}: must be ${min} to ${max}`);
}

function routerOf(text: string): RouterName {
  if (isRouterName(text)) return text;
  throw new RangeError(`--router ${text}: must be 1 to 64 of A-Z a-z 0-9 _ -`);
}

/** Node's own messages begin with a sentence that tells enough, and go on with one about positionals. */
function whyRefused(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RangeError) return error.message;
  const [first = error.message] = error.message.split(/\. |\n/);
  return first.replace(/\.$/, '');
}
