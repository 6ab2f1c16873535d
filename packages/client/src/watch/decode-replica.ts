import type { Subjects } from '@mgm/protocol';

/** What a manager tells of itself. Counts are of its present run. */
export interface ReplicaFields {
  /** Of this run, as NATS knows it: `$SRV.INFO.mgm-manager.<id>` asks it alone. */
  readonly id: string;
  /** As configured (`MGM_NAME`), for logs and people. */
  readonly name: string;
  readonly version: string;
  /** When it began to serve, in ms, by its own clock. */
  readonly startedAt: number;
  /** Requests that it took. */
  readonly requests: number;
  /** Those of them that it has answered. */
  readonly answered: number;
  /** Those of the answers that decided nothing: `unavailable`, `overloaded`, `indeterminate` or `store-full`. */
  readonly failed: number;
  /** From taking a request to its answer, in ms, in the mean; `undefined` before the first. */
  readonly meanMs: number | undefined;
  /** What it promises of an acknowledged change: `memory`, `durable` or `replicated`; `undefined` where it does not tell. */
  readonly durability: string | undefined;
  /** The server that holds its state, `redis 7.0.15`; `undefined` where it does not tell. */
  readonly store: string | undefined;
  /** Why it can't decide requests now; empty when it can. */
  readonly trouble: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** An answer to `$SRV.STATS`; `undefined` for anything else, and for a manager under another prefix. */
export function readReplica(
  bytes: Uint8Array,
  subjects: Subjects,
): (ReplicaFields & { readonly storeClockMs: number | undefined }) | undefined {
  const stats = fieldsIn(bytes);
  const endpoints = listIn(stats, 'endpoints');
  const id = textIn(stats, 'id');
  if (id === undefined || !endpoints.some((one) => one['subject'] === subjects.anyRouter('take'))) {
    return undefined;
  }
  const metadata = asFields(stats['metadata']);
  const data = endpoints.map((one) => asFields(one['data']));
  const state = data.map((one) => asFields(one['replica'])).find((one) => 'trouble' in one) ?? {};
  const answered = sum(data, (one) => numberIn(one, 'answered'));
  const tookMs = sum(data, (one) => numberIn(one, 'answered') * numberIn(one, 'meanMs'));
  return {
    id,
    name: textIn(metadata, 'replica') ?? id,
    version: textIn(stats, 'version') ?? '',
    startedAt: Date.parse(textIn(stats, 'started') ?? '') || 0,
    requests: sum(endpoints, (one) => numberIn(one, 'num_requests')),
    answered,
    failed: sum(data, (one) => numberIn(one, 'failed')),
    meanMs: answered > 0 ? tookMs / answered : undefined,
    durability: textIn(metadata, 'durability'),
    store: textIn(state, 'store') ?? textIn(metadata, 'store'),
    trouble: textsIn(state, 'trouble'),
    storeClockMs: typeof state['storeClockMs'] === 'number' ? state['storeClockMs'] : undefined,
  };
}

function fieldsIn(bytes: Uint8Array): Fields {
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return asFields(read);
  } catch {
    return {};
  }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listIn(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.map(asFields) : [];
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

function textsIn(fields: Fields, name: string): string[] {
  const value: unknown = fields[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function sum(list: readonly Fields[], numberOf: (one: Fields) => number): number {
  return list.reduce((total, one) => total + numberOf(one), 0);
}
