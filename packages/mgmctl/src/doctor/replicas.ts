import { isMgmError, type Mgm, type Replica } from '@mgm/client';
import { counted, durationText } from '@mgm/protocol';
import type { Finding } from './checks.ts';
import { ExitCode } from '../exit-code.ts';

/** How long to wait for replicas, whose number is unknown. */
const WITHIN_MS = 1_000;

/** Checks the number of managers, their versions, their store, its durability and its clock. */
export async function checkReplicas(mgm: Mgm, signal: AbortSignal): Promise<Finding[]> {
  const what = 'replicas';
  try {
    const replicas = await mgm.replicas({ withinMs: WITHIN_MS, signal });
    if (replicas.length > 0) return replicaFindings(replicas);
    const detail = `no manager reported its status within ${durationText(WITHIN_MS)}`;
    return [
      {
        what,
        state: 'note',
        detail,
        mend: 'are the managers overloaded, or are they not mgm managers?',
      },
    ];
  } catch (error) {
    if (!isMgmError(error, 'not-permitted')) throw error;
    const mend = 'allow the NATS user to publish to $SRV.STATS.mgm-manager';
    return [{ what, state: 'note', detail: error.message, mend }];
  }
}

/** The findings about a list of replicas, which is not empty. */
export function replicaFindings(replicas: readonly Replica[]): Finding[] {
  const store = storeOf(replicas);
  return [
    howMany(replicas),
    ...storesOf(replicas),
    ...schemaOf(replicas),
    store,
    ...(store.state === 'ok' ? [SCRIPTS] : []),
    durabilityOf(replicas),
    ...identityOf(replicas),
    ...clockOf(replicas),
  ];
}

/** A replica that reports its status has asked its store as a request does, which runs the script. */
const SCRIPTS: Finding = { what: 'scripts', state: 'ok', detail: 'every replica runs the arbiter' };

function howMany(replicas: readonly Replica[]): Finding {
  const what = 'replicas';
  const versions = groups(replicas, ({ version }) => version);
  const names = replicas.map(({ name }) => name).join(', ');
  if (versions.size > 1) {
    const mend = 'finish the update: restart the older ones';
    return { what, state: 'note', detail: `versions differ: ${listed(versions)}`, mend };
  }
  const detail = `${replicas.length} of version ${[...versions.keys()].join()}: ${names}`;
  if (replicas.length > 1) return { what, state: 'ok', detail };
  return { what, state: 'note', detail, mend: 'start another one, so that one may fail' };
}

/** Checks that all share one store. Managers report the id of their store unless they are older. */
function storesOf(replicas: readonly Replica[]): Finding[] {
  const known = replicas.filter(({ storeId }) => storeId !== undefined);
  const stores = groups(known, ({ storeId = '' }) => storeId);
  if (stores.size < 2) return [];
  return [
    {
      what: 'one store',
      state: 'failed',
      exitCode: ExitCode.refused,
      detail: `the replicas use different stores: ${listed(stores)}`,
      mend: 'give all managers under one MGM_PREFIX the same MGM_REDIS_URL and MGM_KEY_PREFIX',
    },
  ];
}

/** What a manager reports in `trouble` while it meets data of a newer schema than its own. */
const SCHEMA_TROUBLE = 'schema';

/**
 * Checks that all read the same data. A router with memberships or routes has a newer schema, for which an older manager
 * answers `unavailable`: each request to it takes longer, and with many older managers some fail.
 */
function schemaOf(replicas: readonly Replica[]): Finding[] {
  const what = SCHEMA_TROUBLE;
  const mend = 'replace the older managers, before a worker adds a membership or a route';
  const behind = replicas.filter(({ trouble }) => trouble.includes(SCHEMA_TROUBLE));
  if (behind.length > 0) {
    const names = behind.map(({ name }) => name).join(', ');
    const detail = `routers have data of a newer schema than these managers read: ${names}`;
    const now = `replace ${counted(behind.length, 'manager')} of ${replicas.length} by the newer version`;
    return [{ what, state: 'failed', exitCode: ExitCode.refused, detail, mend: now }];
  }
  const schemas = groups(replicas, ({ schema }) => (schema === undefined ? OLDER : String(schema)));
  const detail = listed(schemas);
  if (schemas.size > 1)
    return [{ what, state: 'note', detail: `managers differ: ${detail}`, mend }];
  const [schema = OLDER] = schemas.keys();
  return schema === OLDER
    ? []
    : [{ what, state: 'ok', detail: `every replica reads up to ${schema}` }];
}

const OLDER = 'not reported';

function storeOf(replicas: readonly Replica[]): Finding {
  const what = 'store';
  const ill = replicas.flatMap(({ name, trouble }) => {
    const reasons = trouble.filter((reason) => reason !== SCHEMA_TROUBLE);
    return reasons.length > 0 ? [`${name}: ${reasons.join(', ')}`] : [];
  });
  if (ill.length > 0) {
    const detail = ill.join('; ');
    const mend = `fix that for ${counted(ill.length, 'replica')} of ${replicas.length}`;
    return { what, state: 'failed', exitCode: ExitCode.refused, detail, mend };
  }
  const servers = groups(replicas, ({ store = 'an unknown store' }) => store);
  const detail = listed(servers);
  if (servers.size === 1)
    return { what, state: 'ok', detail: `${[...servers.keys()].join()}, reached` };
  return {
    what,
    state: 'note',
    detail,
    mend: 'is an update in progress, or are these two stores?',
  };
}

/** Checks that all have the same durability. */
function durabilityOf(replicas: readonly Replica[]): Finding {
  const what = 'durability';
  const modes = groups(replicas, ({ durability = 'unknown' }) => durability);
  const [mode = 'unknown'] = modes.keys();
  if (modes.size > 1) {
    const mend = 'give all of them the same MGM_DURABILITY';
    const detail = `the replicas have different durability: ${listed(modes)}`;
    return { what, state: 'failed', exitCode: ExitCode.refused, detail, mend };
  }
  const [promise, mend] = PROMISES[mode] ?? [mode, 'use a newer mgmctl'];
  const detail = `${mode}: ${promise}`;
  return mend === undefined ? { what, state: 'ok', detail } : { what, state: 'note', detail, mend };
}

const PROMISES: Readonly<Record<string, readonly [promise: string, mend?: string]>> = {
  memory: [
    'a restart of the store loses all ownership',
    'MGM_DURABILITY=durable or replicated keeps it',
  ],
  durable: ['a crash loses no acknowledged change'],
  replicated: ['an acknowledged change is also on a replica of the store'],
  unknown: ['the managers do not report it', 'update them'],
};

/** Checks that all identify callers in the same way. Older managers do not report how. */
function identityOf(replicas: readonly Replica[]): Finding[] {
  const what = 'identities';
  const known = replicas.filter(({ identity }) => identity !== undefined);
  const modes = groups(known, ({ identity = '' }) => identity);
  if (modes.size === 0) return [];
  if (modes.size > 1) {
    const detail = `the replicas differ in MGM_IDENTITY: ${listed(modes)}`;
    const mend = 'give all of them the same MGM_IDENTITY';
    return [{ what, state: 'failed', exitCode: ExitCode.refused, detail, mend }];
  }
  if (modes.has('subject')) return [{ what, state: 'ok', detail: 'NATS vouches for callers' }];
  const detail = 'none: every NATS user that may publish requests may do everything';
  return [{ what, state: 'note', detail, mend: 'MGM_IDENTITY=subject tells callers apart' }];
}

/** Smaller differences are harmless. */
const CLOCKS_MS = 1_000;

/** Only the store's clock decides leases, but a difference confuses a comparison of logs. */
function clockOf(replicas: readonly Replica[]): Finding[] {
  const what = 'clock';
  const [best] = replicas
    .flatMap(({ storeClock }) => storeClock ?? [])
    .toSorted((a, b) => a.withinMs - b.withinMs);
  if (!best) return [];
  const { aheadMs, withinMs } = best;
  const side = aheadMs < 0 ? 'behind' : 'ahead of';
  const differs = Math.abs(aheadMs);
  const within = durationText(Math.max(1, withinMs));
  const isSame = differs <= withinMs;
  const detail = isSame
    ? `store and this machine agree within ${within}`
    : `the store is ${durationText(differs)} ${side} this machine, within ${within}`;
  if (differs - withinMs < CLOCKS_MS) return [{ what, state: 'ok', detail }];
  const mend = 'set the clock of this machine or of the Redis server';
  return [{ what, state: 'note', detail, mend }];
}

function groups(
  replicas: readonly Replica[],
  keyOf: (replica: Replica) => string,
): Map<string, Replica[]> {
  return Map.groupBy(replicas, keyOf);
}

function listed(found: ReadonlyMap<string, readonly Replica[]>): string {
  const parts = [...found].map(([key, of]) => `${key} (${of.map(({ name }) => name).join(', ')})`);
  return parts.join(', ');
}
