import { isMgmError, type Mgm, type MgmError } from '@mgm/client';
import { probe } from '../connection.ts';
import { ExitCode } from '../exit-code.ts';

/** The result of one check. */
export type Finding =
  | {
      readonly what: string;
      readonly state: 'ok';
      readonly detail: string;
      readonly mend?: never;
      /** The schema of the router's data. */
      readonly schema?: number;
    }
  | {
      readonly what: string;
      /** Nothing is broken, but it may explain a problem. */
      readonly state: 'note';
      readonly detail: string;
      readonly mend: string;
    }
  | {
      readonly what: string;
      readonly state: 'failed';
      readonly detail: string;
      /** How to fix it. */
      readonly mend: string;
      readonly exitCode: ExitCode;
    };

/** Checks that a manager answers. */
export async function checkManagers(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'managers';
  try {
    await probe(mgm, signal);
    return { what, state: 'ok', detail: `answer for router ${mgm.router}` };
  } catch (error) {
    if (!isMgmError(error)) throw error;
    const isRefused = error.reason === 'not-permitted';
    const mend = isRefused
      ? permissionFor(error, mgm)
      : 'start a manager on these NATS servers, with the same prefix as here';
    const exitCode = isRefused ? ExitCode.refused : ExitCode.unreachable;
    return { what, state: 'failed', exitCode, detail: error.message, mend };
  }
}

/** The permission that a NATS user lacks, from the subject in the error. */
function permissionFor({ message }: MgmError, { prefix, router }: Mgm): string {
  return message.includes(' subscribe to ')
    ? 'allow the NATS user to subscribe to _INBOX.>'
    : `allow the NATS user to publish to ${prefix}.${router}.*`;
}

const ROUND_TRIPS = 20;
/** Slow replies need fewer samples. */
const ROUND_TRIPS_WITHIN_MS = 2_000;
/** A lease is renewed by one round trip and must survive some slow ones. */
const SLOW_MS = 50;

/** Measures the round trip to a manager. */
export async function checkRoundTrip(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'round trip';
  const times: number[] = [];
  const endMono = performance.now() + ROUND_TRIPS_WITHIN_MS;
  while (times.length < ROUND_TRIPS && (times.length === 0 || performance.now() < endMono)) {
    const sentMono = performance.now();
    await probe(mgm, signal);
    times.push(performance.now() - sentMono);
  }
  const ordered = times.toSorted((a, b) => a - b);
  const median = ordered[Math.floor(ordered.length / 2)] ?? 0;
  const longest = ordered.at(-1) ?? 0;
  const detail = `median ${median.toFixed(1)} ms, max ${longest.toFixed(1)} ms of ${ordered.length}`;
  if (median <= SLOW_MS) return { what, state: 'ok', detail };
  const mend = 'check the load of managers and Redis, and the network between them';
  return { what, state: 'note', detail, mend };
}

/** Checks that the router has a log. */
export async function checkLog(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const { head, first, log } = await mgm.events(await headOf(mgm, signal), { limit: 1, signal });
  if (head === 0) {
    const detail = `router ${mgm.router} has none: no client ever registered there`;
    return { what: 'log', state: 'note', detail, mend: 'check --router' };
  }
  const detail = `revisions ${first} to ${head} of log ${log}`;
  return { what: 'log', state: 'ok', detail };
}

async function headOf(mgm: Mgm, signal: AbortSignal): Promise<number> {
  for await (const { rev } of mgm.interfacePages({ limit: 1, signal })) return rev;
  return 0;
}

/** No session has this number: managers number sessions by their clock in microseconds. */
const NO_SESSION = 1;

/** Checks the permissions of an operator. */
export async function checkPermissions(mgm: Mgm, signal: AbortSignal): Promise<Finding[]> {
  return [await checkWatching(mgm, signal), await checkEvict(mgm, signal)];
}

/** NATS sends a refusal before the reply to any later request. */
async function checkWatching(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'permission';
  const over = new AbortController();
  const hearing = mgm.heads({ signal: AbortSignal.any([signal, over.signal]) }).next();
  try {
    await Promise.race([hearing, probe(mgm, signal).finally(() => over.abort())]);
    over.abort();
    await hearing;
    return { what, state: 'ok', detail: 'watch is allowed' };
  } catch (error) {
    if (!isMgmError(error, 'not-permitted')) throw error;
    const place = `${mgm.prefix}.${mgm.router}`;
    const mend = `allow subscribing to ${place}.head and ${place}.event.*`;
    return { what, state: 'note', detail: `no watch: ${error.message}`, mend };
  }
}

/** Asks to end a session that cannot exist, which changes nothing. */
async function checkEvict(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'permission';
  try {
    const target = { session: NO_SESSION, actor: 'mgmctl doctor', why: 'permission check' };
    await mgm.adminEvict(target, { signal });
  } catch (error) {
    if (!isMgmError(error)) throw error;
    if (error.reason === 'not-found') return { what, state: 'ok', detail: 'evict is allowed' };
    const mend = `fine for reading; else allow publishing to ${mgm.prefix}.${mgm.router}.admin.>`;
    return { what, state: 'note', detail: `no evict: ${error.message}`, mend };
  }
  throw new Error(`session ${NO_SESSION} was evicted, which cannot exist`);
}
