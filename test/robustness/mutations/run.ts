import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseArgs } from 'node:util';
import { linkModules } from '@mgm/test-support';
import { MUTATIONS } from './list.ts';
import type { Mutation } from './mutation.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TESTS_WITHIN_MS = 300_000;
const exec = promisify(execFile);

const HELP = `npm run robustness:mutations -- [WORDS]

Removes each safety check from a copy of the sources, one after the other, and runs the tests that must fail.
WORDS: only checks whose description contains one of these. Exits with 1 when the tests passed without a check.
`;

interface Failure {
  readonly file: string;
  readonly title: string;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false } },
  });
  if (values.help) return void process.stdout.write(HELP);
  const wanted = MUTATIONS.filter(({ check }) => {
    return positionals.length === 0 || positionals.some((word) => check.includes(word));
  });
  const copy = await mkdtemp(join(tmpdir(), 'mgm-mutations-'));
  try {
    await copySources(copy);
    process.stdout.write('| removed check | failing test |\n| --- | --- |\n');
    for (const mutation of wanted) {
      const failure = await tryOut(copy, mutation);
      if (failure) await refuseRed(copy, failure);
      else process.exitCode = 1;
      const found = failure ? `${failure.file}: ${failure.title}` : '**none**';
      process.stdout.write(`| ${mutation.check} | ${found} |\n`);
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Copies the working tree, without ignored files, and links the installed packages. */
async function copySources(copy: string): Promise<void> {
  const pack = 'git ls-files -z -co --exclude-standard | tar --null -T - -c | tar -x -C "$1"';
  await exec('bash', ['-c', pack, 'bash', copy], { cwd: ROOT });
  await linkModules(ROOT, copy);
  await exec('ln', ['-s', join(ROOT, '.cache'), join(copy, '.cache')]);
}

/** Throws when the test also fails without the mutation, which proves nothing. */
async function refuseRed(copy: string, { file, title }: Failure): Promise<void> {
  const outcome = await runTests(copy, [file, '-t', title.replaceAll(/[^\w ,:]/g, '.')]);
  if (outcome) throw new Error(`fails without the mutation: ${file}: ${title}`);
}

async function tryOut(copy: string, mutation: Mutation): Promise<Failure | undefined> {
  const file = join(copy, mutation.file);
  const sources = await readFile(file, 'utf8');
  if (sources.split(mutation.from).length !== 2) {
    throw new Error(`${mutation.file} has not exactly one: ${mutation.from}`);
  }
  await change(
    copy,
    file,
    sources.replace(mutation.from, () => mutation.to),
  );
  try {
    return await runTests(copy, mutation.tests);
  } finally {
    await change(copy, file, sources);
  }
}

/** Writes a file and regenerates what depends on it. */
async function change(copy: string, file: string, sources: string): Promise<void> {
  await writeFile(file, sources);
  if (!file.endsWith('.lua')) return;
  const generate = ['--conditions=@mgm/source', 'scripts/generate.ts'];
  await exec(process.execPath, generate, { cwd: join(copy, 'packages/store') });
}

async function runTests(copy: string, tests: readonly string[]): Promise<Failure | undefined> {
  const report = join(copy, 'mutation-report.json');
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${report}`, '--bail=1', ...tests];
  const env = { ...process.env, MGM_SERVERS: 'process' };
  try {
    await exec(process.execPath, args, {
      cwd: copy,
      env,
      timeout: TESTS_WITHIN_MS,
      maxBuffer: 1e9,
    });
    return undefined;
  } catch (error) {
    return await firstFailure(copy, report, error);
  }
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

async function firstFailure(copy: string, report: string, cause: unknown): Promise<Failure> {
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
  await rm(report);
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed) return { file: relative(copy, name), title: failed.title };
  }
  throw new Error('the tests failed without a report', { cause });
}

await main();
