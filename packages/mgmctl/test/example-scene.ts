import { hostname, userInfo } from 'node:os';
import { eventually } from '@mgm/test-support';
import { expect } from 'vitest';
import { showResult } from '../src/commands/bench.ts';
import { Latencies } from '../src/output/latencies.ts';
import { Output } from '../src/output/output.ts';
import { IGMP, type MgmctlStage, PIM, type Router } from './stage.ts';

/** Command lines with their output, as the page shows them, by name. */
export type Shown = ReadonlyMap<string, string>;

/** Long enough that the rest has two digits of seconds everywhere. */
const TTL_MS = 50_000;

/** Runs `mgmctl` commands on a router with some sessions and collects their output. */
export async function playExamples(stage: MgmctlStage): Promise<Shown> {
  await using router = await stage.router();
  const shown = new Map<string, string>();
  const show = async (name: string, ...args: string[]): Promise<void> => {
    const { stdout, stderr } = await router.run(args);
    shown.set(name, `$ mgmctl ${args.map(quoted).join(' ')}\n${stdout}${stderr}`);
  };
  const pim = await register(router, PIM, 'pim-1');
  const igmp = await register(router, IGMP, 'igmp-1');
  await pim.takeInterfaceOwnership({ ifIndex: 7 });
  await pim.takeInterfaceOwnership({ ifIndex: 9, nextHop: '10.0.0.9' });
  await igmp.takeInterfaceOwnership({ ifIndex: 7 });
  const { epoch } = await router.mgm.getProtocolOnInterface({ ifIndex: 7 });
  await show('interfaces', 'interfaces');
  await show('interfaces-json', 'interfaces', '--if', '9', '--json');
  await show('owner', 'owner', '7');
  await show('owner-free', 'owner', '8');
  await show('sessions', 'sessions');
  await pim.setRoutes([
    { network: '10.0.0.0', length: 8, ifIndex: 7, neighbour: '10.0.0.254' },
    { network: '10.1.0.0', length: 16, ifIndex: 9, nextHop: '10.0.0.9' },
  ]);
  await igmp.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 8, preference: 200 }]);
  await show('rib', 'rib');
  await show('rib-source', 'rib', '10.2.3.4');
  await show('rib-json', 'rib', '10.1.2.3', '--json');
  await show('rib-none', 'rib', '192.0.2.1');
  await show('validate', 'validate', '7', epoch);
  await show('doctor', 'doctor');
  await show('top-json', 'top', '--count', '1', '--json');
  shown.set('top', await topOnTerminal(router));
  await show('watch', 'watch', '--from', '2', '--count', '3');
  await show('watch-json', 'watch', '--from', '4', '--count', '1', '--json');
  await pim.addGroupMembershipEntry({ ifIndex: 9, nextHop: '10.0.0.9', group: '239.1.1.1' });
  await igmp.addGroupMembershipEntries([
    { ifIndex: 7, group: '239.1.1.1' },
    { ifIndex: 7, group: '232.1.1.1', source: '192.0.2.1' },
  ]);
  await show('groups', 'groups');
  await show('groups-json', 'groups', '--any', '--json');
  await show('members', 'members');
  await show('members-json', 'members', '--group', '232.1.1.1', '--json');
  await show('members-usage', 'members', '--group', '10.0.0.1');
  await pim.reportFlows([
    { group: '239.1.1.1', source: '10.1.2.3', ifIndex: 9, nextHop: '10.0.0.9' },
  ]);
  await pim.reportFlows([{ group: '239.1.1.1', source: '10.2.3.4', ifIndex: 7 }]);
  const agent = await register(router, PIM, 'forwarder-1', 9);
  agent.reportProgrammed(1);
  await eventually(async () => expect(await Array.fromAsync(router.mgm.agents())).toHaveLength(1), {
    withinMs: 30_000,
  });
  await show('agents', 'agents');
  await show('mfe', 'mfe');
  await show('mfe-one', 'mfe', '--group', '239.1.1.1', '--source', '10.2.3.4');
  await show('mfe-none', 'mfe', '--group', '239.1.1.1', '--source', '192.0.2.1');
  const actor = ['--actor', 'alice@noc', '--yes'];
  const receivers = ['7', '--group', '239.2.2.2', '--why', 'receivers without IGMP'];
  await show('static-add', 'static', 'add', ...receivers, ...actor);
  await show('static-list', 'static', 'list');
  const line = ['7', '--max-groups', '100', '--why', 'limit of the line'];
  await show('limit-set', 'limit', 'set', ...line, ...actor);
  await show('limit-get', 'limit', 'get', '7', '--json');
  await show('watch-memberships', 'watch', '--memberships', '--from', '0', '--count', '3');
  const force = ['--actor', 'alice@noc', '--yes'];
  await show('release', 'release', '7', '--why', 'moved to the standby', ...force);
  await show('validate-over', 'validate', '7', epoch);
  await show('evict', 'evict', String(pim.id), '--why', 'the process hangs', ...force);
  await show('history', 'history', '7');
  await show('audit', 'audit', '--from', '1');
  await show('usage', 'owner', '7', '--jason');
  await show('usage-json', 'owner', '--json');
  await using taking = router.start(['take', '7', '--component', '5']);
  await taking.prints(/took/);
  taking.signal('SIGINT');
  const { stdout } = await taking.ended();
  shown.set('take', `$ mgmctl take 7 --component 5\n${stdout}`);
  shown.set('bench', benchResult());
  return steady(shown, router.name);
}

async function topOnTerminal(router: Router): Promise<string> {
  const options = { env: { NO_COLOR: '1' }, columns: 120 };
  await using top = router.onTerminal(['top', '--count', '1'], options);
  const { stdout } = await top.ended();
  return `$ mgmctl top\n${stdout}`;
}

/** Runs differ, so this is the output of `bench` for constant measurements. */
function benchResult(): string {
  let text = '$ mgmctl bench\n';
  const write = (part: string): string => (text += part);
  const out = new Output({ write, writeError: write }, { json: false, colors: false });
  const [take, release] = [new Latencies(), new Latencies()];
  for (let at = 0; at < 10_000; at++) {
    const ms = 1.5 + 1 / (1.001 - at / 10_000) ** 0.5;
    take.add(ms);
    release.add(ms * 0.97);
  }
  showResult({ take, release, elapsedMs: 5_003 }, { sessions: 4, inFlight: 16 }, out);
  return text;
}

async function register(router: Router, protocolId: number, name: string, componentId = 1) {
  return await router.mgm.registerProtocol({ protocolId, componentId, name, ttlMs: TTL_MS });
}

function quoted(word: string): string {
  return /^[\w.:@-]+$/.test(word) ? word : `"${word}"`;
}

const FIRST = 1_795_360_064_929_550;
const APART = 1_250_003;

/** A session or an epoch; not the decimals of a mean. */
const NUMBER = /(?<!\.)\b\d{16}\b/g;

/**
 * Replaces everything that differs between runs. Sessions and epochs come from a clock, so their order is always the same;
 * instants are derived from them.
 */
function steady(shown: Shown, router: string): Shown {
  const all = [...shown.values()].join('\n').matchAll(NUMBER);
  const numbers = [...new Set(Array.from(all, String))].toSorted();
  const number = (found: string): string => String(FIRST + numbers.indexOf(found) * APART);
  const texts = [...shown].map(([name, text]): [string, string] => [
    name,
    steadyLines(text.replaceAll(NUMBER, number), router),
  ]);
  return new Map(texts);
}

function steadyLines(text: string, router: string): string {
  let before = FIRST;
  const lines = text.split('\n').map((line) =>
    line.replaceAll(NUMBER_OR_INSTANT, (found) => {
      if (/^\d{16}$/.test(found)) before = Number(found);
      const ts = Math.floor((numberOf(line) ?? before) / 1_000);
      if (/^\d{13}$/.test(found)) return String(ts);
      return /^\d{16}$/.test(found)
        ? found
        : new Date(ts).toISOString().slice(0, -1).replace('T', ' ');
    }),
  );
  const user = `${userInfo().username}@${hostname()}`;
  return lines
    .join('\n')
    .replaceAll(router, 'r1')
    .replaceAll(user, 'alice@noc')
    .replaceAll(/\d\d\.\d s left/g, '48.7 s left')
    .replaceAll(/"expiresInMs":\d+/g, '"expiresInMs":48700')
    .replaceAll(/^up( +)\S+ \S+$/gm, 'up$1 1.2 s')
    .replaceAll(/\b14 min \d+ s\b/g, '14 min 58 s')
    .replaceAll(/\S+ runs NATS \S+ \(.*\)/g, '127.0.0.1:4222 runs NATS 2.12.1 (n1)')
    .replaceAll(ROUND_TRIP, 'ok    round trip   median 0.6 ms, max 1.9 ms of 20')
    .replaceAll(/of log \S+/g, 'of log kP3xV9sQz1Lm')
    .replaceAll(/(redis|valkey) \d+\.\d+\.\d+/g, 'redis 7.4.2')
    .replaceAll(/of version [^:]+:/g, 'of version 1.2.0:')
    .replaceAll(/"version":"[^"]+"/g, '"version":"1.2.0"')
    .replaceAll(/^mgm-1 +\S+ +/gm, 'mgm-1    1.2.0    ')
    .replaceAll(/REPLICA +VERSION +/g, 'REPLICA  VERSION  ')
    .replaceAll(/agree within \d+ ms/g, 'agree within 1 ms')
    .replaceAll(/"meanMs":[\d.]+/g, '"meanMs":0.62')
    .replaceAll(/\d+\.\d ms +(\d) +redis/g, '0.6 ms  $1       redis')
    .replaceAll(/MEAN +FAILED/g, 'MEAN    FAILED');
}

const ROUND_TRIP = /^\w+ +round trip .*$/gm;

const INSTANT = /\b\d{13}\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/;
const NUMBER_OR_INSTANT = new RegExp(`${NUMBER.source}|${INSTANT.source}`, 'g');

/** The number for the revision of a change. Other instants take that of the preceding number. */
function numberOf(line: string): number | undefined {
  const [, rev] = /\brev"?[: ](\d+)\b/.exec(line) ?? [];
  return rev === undefined ? undefined : FIRST + (Number(rev) - 1) * APART;
}
