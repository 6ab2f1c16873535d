import { isMgmError, type Mgm } from '@mgm/client';
import { checkAgents } from './agents.ts';
import {
  checkLog,
  checkManagers,
  checkPermissions,
  checkRoundTrip,
  type Finding,
} from './checks.ts';
import { checkHead } from './head.ts';
import { checkReplicas } from './replicas.ts';
import { ExitCode } from '../exit-code.ts';
import { natsInfo, type NatsInfo } from './nats-info.ts';
import type { Output } from '../output/output.ts';

/** What to check. */
export interface DoctorOptions {
  /** `host:port` of each NATS server. */
  readonly servers: readonly string[];
  /** Connects like every other command. */
  readonly connect: () => Promise<Mgm>;
  /** The timeout of one step, in ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Checks each step from here to the store, and prints what is wrong and how to fix it. */
export async function doctor(out: Output, options: DoctorOptions): Promise<ExitCode> {
  let worst: ExitCode = ExitCode.ok;
  for await (const finding of findings(options)) {
    show(finding, out);
    if (finding.state === 'failed') worst = Math.max(worst, finding.exitCode) === 3 ? 3 : 1;
  }
  return options.signal.aborted ? ExitCode.interrupted : worst;
}

/** Runs the steps in order, and ends when the later ones cannot succeed any more. */
async function* findings(options: DoctorOptions): AsyncGenerator<Finding> {
  const { signal } = options;
  for (const server of options.servers) yield* await checkServer(server, options);
  const login = await checkLogin(options);
  yield login.finding;
  if (!login.mgm) return;
  await using mgm = login.mgm;
  const managers = await checkManagers(mgm, signal);
  yield managers;
  if (managers.state === 'failed') {
    yield* whyNoAnswer(mgm, signal);
    return;
  }
  const steps = [checkReplicas, checkRoundTrip, checkLog, checkHead, checkAgents, checkPermissions];
  for (const step of steps) yield* await found(step, mgm, signal);
}

/** Managers that do not answer for this router may still report what is wrong with them. */
async function* whyNoAnswer(mgm: Mgm, signal: AbortSignal): AsyncGenerator<Finding> {
  for (const finding of await found(checkReplicas, mgm, signal)) {
    if (finding.state === 'failed') yield finding;
  }
}

type Step = (mgm: Mgm, signal: AbortSignal) => Promise<Finding | readonly Finding[]>;

/** The findings of a step; a missing reply is a finding, too. */
async function found(step: Step, mgm: Mgm, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    return [await step(mgm, signal)].flat();
  } catch (error) {
    if (!isMgmError(error) || signal.aborted) throw error;
    const mend = 'some requests are not answered: check the replicas above and their logs';
    const exitCode = ExitCode.unreachable;
    return [{ what: 'managers', state: 'failed', exitCode, detail: error.message, mend }];
  }
}

/** The oldest supported version. */
const NATS_OLDEST = [2, 9];

async function checkServer(server: string, { timeoutMs }: DoctorOptions): Promise<Finding[]> {
  const what = 'nats server';
  try {
    const info = await natsInfo(server, timeoutMs);
    const { version, serverName } = info;
    const detail = `${server} runs NATS ${version}${serverName === '' ? '' : ` (${serverName})`}`;
    if (!isOlder(version)) return [{ what, state: 'ok', detail }, ...payloadFindings(server, info)];
    const mend = `update it to ${NATS_OLDEST.join('.')} or newer`;
    return [{ what, state: 'failed', exitCode: ExitCode.refused, detail, mend }];
  } catch (error) {
    const detail = `${server}: ${error instanceof Error ? error.message : String(error)}`;
    const mend = 'start it, check firewall and address, or correct --nats';
    return [{ what, state: 'failed', exitCode: ExitCode.unreachable, detail, mend }];
  }
}

/** The largest request of the wire contract. */
const REQUEST_BYTES = 64 * 1024;
/** The largest reply of the wire contract. */
const REPLY_BYTES = 256 * 1024;

function payloadFindings(server: string, { maxPayload = Infinity }: NatsInfo): Finding[] {
  const what = 'max_payload';
  if (maxPayload >= REPLY_BYTES) return [];
  const detail = `${server} allows messages of ${maxPayload} bytes`;
  const mend = `set max_payload to ${REPLY_BYTES} or more, on every NATS server`;
  return maxPayload < REQUEST_BYTES
    ? [{ what, state: 'failed', exitCode: ExitCode.refused, detail, mend }]
    : [{ what, state: 'note', detail: `${detail}: lists are read in shorter pages`, mend }];
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = NATS_OLDEST;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

interface Login {
  readonly finding: Finding;
  readonly mgm?: Mgm;
}

async function checkLogin({ connect }: DoctorOptions): Promise<Login> {
  const what = 'login';
  try {
    return { finding: { what, state: 'ok', detail: 'accepted' }, mgm: await connect() };
  } catch (error) {
    if (!isMgmError(error)) throw error;
    const isRefused = error.reason === 'not-permitted';
    const exitCode = isRefused ? ExitCode.refused : ExitCode.unreachable;
    const mend = isRefused ? 'give user and password in --nats' : 'fix the NATS server first';
    return { finding: { what, state: 'failed', exitCode, detail: error.message, mend } };
  }
}

const MARKS = { ok: 'ok  ', note: 'note', failed: 'FAIL' } as const;
const WHAT_WIDTH = 11;

/** Prints a finding. */
export function show(finding: Finding, out: Output): void {
  if (out.json) return out.object(finding);
  const { what, state, detail, mend } = finding;
  const { green, yellow, red } = out.colors;
  const paint = { ok: green, note: yellow, failed: red }[state];
  const end = mend === undefined ? '' : `; ${mend}`;
  out.line(`${paint(MARKS[state])}  ${what.padEnd(WHAT_WIDTH)}  ${detail}${end}`);
}
