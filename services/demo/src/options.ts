import { parseArgs } from 'node:util';
import { isRouterName, type RouterName } from '@mgm/protocol';

/** The options of the command line. */
export interface StartOptions {
  /** Whether the three workers run and changes are shown. */
  readonly demo: boolean;
  /** The number of manager replicas. */
  readonly managers: number;
  readonly router: RouterName;
  /** Default: a free port. */
  readonly natsPort?: number;
  /** Default: a free port. */
  readonly redisPort?: number;
  /** A folder for state and logs that is kept. Default: a temporary one. */
  readonly dataDir?: string;
  /** Prints every change as a JSON object instead of the view. */
  readonly json: boolean;
  /** Determines the behaviour of the workers. */
  readonly seed: number;
}

/** A parsed command line. `refused` says what is wrong and what to do. */
export type CommandLine =
  | { readonly kind: 'run'; readonly options: StartOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly why: string };

const MANAGERS_MAX = 16;
const SEED_MAX = 0xffff_ffff;

export const HELP = `npm start                              a local router: NATS, Redis, two managers, the console, and three workers that use it
npm start -- --no-demo                 NATS, Redis, the managers and the console only, for workers of your own
npm start -- --managers 5              more replicas (1 to ${MANAGERS_MAX}); kill one by its process id and watch
npm start -- --nats-port 4222          a fixed port instead of a free one; also --redis-port
npm start -- --data .data/mine         keep state and logs in this folder for the next run
npm start -- --json                    every change as one JSON object per line

Flags:
  --no-demo            no workers, no view
  --managers N         manager replicas, 1 to ${MANAGERS_MAX} (2)
  --router NAME        the router that the workers use (demo)
  --nats-port PORT     port of 127.0.0.1 for NATS (a free one)
  --redis-port PORT    port of 127.0.0.1 for Redis (a free one)
  --data DIR           folder to keep (one below .data/, removed at the end)
  --json               changes as JSON instead of a table
  --seed N             seed for the behaviour of the workers, 0 to ${SEED_MAX} (1)
  --help               this text

MGM_SERVERS=process|docker     the source of Redis and NATS (processes; containers if the programs are missing)
MGM_NATS_URL, MGM_REDIS_URL    running servers; they are used and never stopped

It prints "ready nats=<url> redis=<url> managers=<n>" when requests are answered, and then the address of the
console. Ctrl-C stops everything it started.`;

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

/** Parses the arguments after the program's name. Invalid ones are refused, never corrected. */
export function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): CommandLine {
  const kept = flagKeptByNpm(env);
  if (kept !== undefined) {
    const why = `npm took ${kept} as an option of its own: write npm start -- ${kept}`;
    return { kind: 'refused', why };
  }
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS });
    if (values.help) return { kind: 'help' };
    return { kind: 'run', options: optionsOf(values) };
  } catch (error) {
    return { kind: 'refused', why: `${whyRefused(error)}; npm start -- --help shows all flags` };
  }
}

/** Without `--` npm keeps flags for itself, and puts them into the environment. */
function flagKeptByNpm(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env['npm_lifecycle_event'] !== 'start') return undefined;
  if (env['npm_config_demo'] !== undefined) return '--no-demo';
  const names = ['managers', 'router', 'nats-port', 'redis-port', 'data', 'seed'];
  const name = names.find((one) => env[`npm_config_${one.replace('-', '_')}`] !== undefined);
  return name && `--${name} …`;
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

/** The first sentence of Node's message; the rest is about positional arguments. */
function whyRefused(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RangeError) return error.message;
  const [first = error.message] = error.message.split(/\. |\n/);
  return first.replace(/\.$/, '');
}
