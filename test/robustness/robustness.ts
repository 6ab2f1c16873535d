import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Chance } from '../support/chance.ts';
import { CHECKS } from './check/all.ts';
import { readEvidence } from './evidence-file.ts';
import { linesOf, merged, textOf, verdictOf } from './report.ts';
import { run } from './run.ts';
import { HELP, type Request, requestOf, type Settings } from './settings.ts';
import { startWorld } from './world.ts';

const KEPT = fileURLToPath(new URL('../../.cache/robustness', import.meta.url));
const EXIT = { ok: 0, violated: 1, inconclusive: 3 } as const;

async function main(): Promise<void> {
  const request = asked();
  if (request.kind === 'help') return void process.stdout.write(HELP);
  if (request.kind === 'judge') return await judge(request.folder);
  const { settings } = request;
  const folder = join(
    settings.keep ?? KEPT,
    `${settings.topology}-${settings.seed}-${process.pid}`,
  );
  const begunMono = performance.now();
  const say = (line: string): void => {
    const s = ((performance.now() - begunMono) / 1_000).toFixed(1);
    process.stderr.write(`${s.padStart(7)} s  ${line}\n`);
  };
  if (request.kind === 'list') return await list(settings, folder, say);
  const report = await run(settings, folder, say);
  process.stdout.write(
    settings.json ? `${JSON.stringify(report, null, 2)}\n` : `${textOf(report)}\n`,
  );
  process.exitCode = EXIT[report.verdict];
}

/** Applies the present checks to the evidence of an earlier run. */
async function judge(folder: string): Promise<void> {
  const evidence = await readEvidence(folder);
  const findings = merged(CHECKS.flatMap((check) => evidence.map((one) => check(one))));
  process.stdout.write(`${findings.map(linesOf).join('\n')}\n`);
  process.exitCode = EXIT[verdictOf(findings)];
}

/** Lists the faults, which are known only of a running topology. */
async function list(
  settings: Settings,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  await using world = await startWorld(settings, folder, new Chance(1), say);
  for (const { name } of world.faults) process.stdout.write(`${name}\n`);
  for (const [name, why] of Object.entries(world.servers.without)) {
    process.stdout.write(`${name}: not available, ${why}\n`);
  }
}

function asked(): Request {
  try {
    return requestOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}; see --help\n`);
    process.exit(2);
  }
}

await main();
