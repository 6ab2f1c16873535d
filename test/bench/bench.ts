import { parseArgs } from 'node:util';
import { profiled, whereTimeWent } from './profiles.ts';
import { readRecord, updateDocs } from './record.ts';
import { compare } from './regressions.ts';
import { loadNow, type Section, thisMachine } from './report.ts';
import { onRig, PEERS_CACHE } from './rig.ts';
import { installPeers } from './peers.ts';
import { isScenarioName, SCENARIO_NAMES, type ScenarioName, SCENARIOS } from './scenarios.ts';
import { FULL, MEMBERSHIP_PARTS, type MembershipPart, QUICK, type Size } from './size.ts';
import { terminalTable } from './tables.ts';

const HELP = `npm run bench -- [what …] [options]

Measures managers, in turn with other systems on the same machine, on servers of its own (Linux). Figures go to standard
output, progress to standard error. Exits with 0 also when a target is missed. Without a name all scenarios are measured, in
about twelve minutes.

${SCENARIO_NAMES.map((name) => `  ${name.padEnd(12)} ${SCENARIOS[name].about}`).join('\n')}

  --quick          about two minutes; not for the record
  --rounds N       number of rounds (5); reports medians, the lowest and the highest
  --minutes N      duration of the scenario load (0.75)
  --parts LIST     only these parts of the scenario membership: ${MEMBERSHIP_PARTS.join(', ')}
  --json           figures as JSON, with the values of all rounds
  --update-docs    puts the figures into docs/performance.md, its charts and its record
  --check          compares ratios with the record; exits with 1 when one is worse by more than the spread
  --install        first fetches missing peers: etcd, ZooKeeper (Debian, Ubuntu; no root)
  --profile DIR    writes CPU profiles of managers and of the load into this folder and prints a summary; slows the run

Examples:

  npm run bench -- --install
  npm run bench -- takes round-trip --rounds 9
  npm run bench -- load --minutes 60
  npm run bench -- membership --parts window,end
  npm run bench -- keepalives --profile out
`;

interface Options {
  readonly size: Size;
  readonly quick: boolean;
  readonly profileDir: string | undefined;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      minutes: { type: 'string' },
      parts: { type: 'string' },
      json: { type: 'boolean', default: false },
      'update-docs': { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const names = scenariosOf(positionals);
  const size = values.quick ? QUICK : FULL;
  const options = {
    quick: values.quick,
    profileDir: values.profile,
    size: {
      ...size,
      rounds: values.rounds === undefined ? size.rounds : positive('rounds', values.rounds, true),
      minutes: values.minutes === undefined ? size.minutes : positive('minutes', values.minutes),
      ...(values.parts !== undefined && { parts: partsOf(values.parts) }),
    },
  };
  if (values.install) await installPeers(PEERS_CACHE, (line) => say('install', line));
  const sections: Section[] = [];
  for (const name of names) {
    const section = await measure(name, options);
    sections.push(section);
    if (!values.json) process.stdout.write(`\n${terminalTable(section)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(sections, null, 2)}\n`);
  if (options.profileDir !== undefined) {
    process.stderr.write(`\n${await whereTimeWent(options.profileDir)}\n`);
  }
  if (values.check) await check(sections);
  if (values['update-docs']) {
    for (const path of await updateDocs(sections)) say('docs', `wrote docs/${path}`);
  }
}

/** Runs one scenario on servers of its own, so that it finds no data of another one. */
export async function measure(
  name: ScenarioName,
  { size, quick, profileDir }: Options,
): Promise<Section> {
  const loadBefore = loadNow();
  const tell = (line: string): void => say(name, line);
  const { figures, servers } = await onRig({ say: tell, profileDir }, (rig) =>
    profiled(profileDir, name, async () => ({
      figures: await SCENARIOS[name].run(rig, size),
      servers: rig.about,
    })),
  );
  return {
    scenario: name,
    at: new Date().toISOString(),
    servers,
    machine: thisMachine(),
    loadBefore,
    quick,
    figures,
  };
}

async function check(measured: readonly Section[]): Promise<void> {
  const { compared, regressions } = compare(await readRecord(), measured);
  for (const { what, text } of regressions) say('check', `worse: ${what} ${text}`);
  say('check', `${compared} ratios compared, ${regressions.length} worse than recorded`);
  if (regressions.length > 0 || compared === 0) process.exitCode = 1;
}

function scenariosOf(names: readonly string[]): readonly ScenarioName[] {
  if (names.length === 0) return SCENARIO_NAMES;
  const unknown = names.find((one) => !isScenarioName(one));
  if (unknown === undefined) return names.filter(isScenarioName);
  return stop(`${unknown}: must be one of ${SCENARIO_NAMES.join(', ')}; see --help`);
}

function partsOf(list: string): readonly MembershipPart[] {
  const isPart = (text: string): text is MembershipPart =>
    MEMBERSHIP_PARTS.some((part) => part === text);
  const parts = list.split(',');
  const unknown = parts.find((text) => !isPart(text));
  if (unknown === undefined) return parts.filter(isPart);
  return stop(`--parts ${unknown}: must be of ${MEMBERSHIP_PARTS.join(', ')}`);
}

function positive(name: string, text: string, isWhole = false): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value))) return value;
  return stop(`--${name} ${text}: must be a ${isWhole ? 'whole ' : ''}number above 0`);
}

function say(who: string, line: string): void {
  process.stderr.write(`${who}: ${line}\n`);
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (import.meta.main) await main();
