import { isMgmError, type Mgm } from '@mgm/client';
import { ExitCode } from './exit-code.ts';
import { probe } from './probe.ts';
import { durationText, instantText } from './words.ts';

/** What one look found. */
export type Finding =
  | { readonly what: string; readonly state: 'ok'; readonly detail: string; readonly mend?: never }
  | {
      readonly what: string;
      /** Nothing is broken, but it may explain something. */
      readonly state: 'note';
      readonly detail: string;
      readonly mend: string;
    }
  | {
      readonly what: string;
      readonly state: 'failed';
      readonly detail: string;
      /** What to do about it. */
      readonly mend: string;
      readonly exitCode: ExitCode;
    };

/** Whether any manager answers. */
export async function checkManagers(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'managers';
  try {
    await probe(mgm, signal);
    return { what, state: 'ok', detail: `answer for router ${mgm.router}` };
  } catch (error) {
    if (!isMgmError(error)) throw error;
    const isRefused = error.reason === 'not-permitted';
    const mend = isRefused
      ? `let the NATS user publish to ${mgm.prefix}.${mgm.router}.*`
      : 'start a manager on these NATS servers; is the prefix the same on both sides?';
    const exitCode = isRefused ? ExitCode.refused : ExitCode.unreachable;
    return { what, state: 'failed', exitCode, detail: error.message, mend };
  }
}

const ROUND_TRIPS = 20;
/** A lease is renewed by one round trip, and shall survive some that are slow. */
const SLOW_MS = 50;

/** How long an answer takes. */
export async function checkRoundTrip(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'round trip';
  const times: number[] = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const sentMono = performance.now();
    await probe(mgm, signal);
    times.push(performance.now() - sentMono);
  }
  const ordered = times.toSorted((a, b) => a - b);
  const median = ordered[ROUND_TRIPS / 2] ?? 0;
  const longest = ordered.at(-1) ?? 0;
  const detail = `${median.toFixed(1)} ms in the middle, ${longest.toFixed(1)} ms at most, of ${ROUND_TRIPS}`;
  if (median <= SLOW_MS) return { what, state: 'ok', detail };
  const mend = 'look for load on managers and Redis, or a long way between them';
  return { what, state: 'note', detail, mend };
}

/** Clocks that differ by less do no harm. */
const CLOCKS_MS = 1_000;

/** Whether the router has a log, and whether its store's clock is before that of this machine. */
export async function checkLog(mgm: Mgm, signal: AbortSignal): Promise<Finding[]> {
  const { head, first, log } = await mgm.events(await headOf(mgm, signal), { limit: 1, signal });
  if (head === 0) {
    const detail = `router ${mgm.router} has none: nobody ever registered there`;
    return [{ what: 'log', state: 'note', detail, mend: 'is --router right?' }];
  }
  const detail = `revisions ${first} to ${head} of log ${log}`;
  return [{ what: 'log', state: 'ok', detail }, await checkClock(mgm, head, signal)];
}

async function headOf(mgm: Mgm, signal: AbortSignal): Promise<number> {
  for await (const { rev } of mgm.interfacePages({ limit: 1, signal })) return rev;
  return 0;
}

/** Only the store's clock counts, but whoever compares logs is helped by knowing. */
async function checkClock(mgm: Mgm, head: number, signal: AbortSignal): Promise<Finding> {
  const what = 'clock';
  const { events } = await mgm.events(head - 1, { limit: 1, signal });
  const [last] = events;
  const aheadMs = (last?.ts ?? 0) - Date.now();
  const detail = `the last change is of ${instantText(last?.ts ?? 0)} UTC`;
  if (aheadMs < CLOCKS_MS) return { what, state: 'ok', detail };
  const mend = 'set the clock of this machine or of the Redis server';
  return { what, state: 'note', detail: `${detail}, ${durationText(aheadMs)} from now`, mend };
}

/** Managers number sessions by their clock in microseconds: no session has this number. */
const NO_SESSION = 1;

/** Whether the NATS user may do what operators do: asks to end a session that can't be, which changes nothing. */
export async function checkPermission(mgm: Mgm, signal: AbortSignal): Promise<Finding> {
  const what = 'permission';
  try {
    const target = { session: NO_SESSION, actor: 'mgmctl doctor', why: 'may I?' };
    await mgm.adminEvict(target, { signal });
  } catch (error) {
    if (!isMgmError(error)) throw error;
    if (error.reason === 'not-found') return { what, state: 'ok', detail: 'evict is allowed' };
    const mend = `fine for looking; else allow publishing to ${mgm.prefix}.${mgm.router}.admin.*`;
    return { what, state: 'note', detail: `no evict: ${error.message}`, mend };
  }
  throw new Error(`session ${NO_SESSION} was evicted, which can't exist`);
}
