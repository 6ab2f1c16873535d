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
/** How long a run may stay alive after its report, in ms: an open connection or timer would otherwise keep it for ever. */
const EXIT_WITHIN_MS = 10_000;
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
  const exit = (): void => exitWithin(EXIT_WITHIN_MS, say);
  if (request.kind === 'list') return await list(settings, folder, say).finally(exit);
  const report = await run(settings, folder, say).finally(exit);
  process.stdout.write(
    settings.json ? `${JSON.stringify(report, null, 2)}\n` : `${textOf(report)}\n`,
  );
  process.exitCode = EXIT[report.verdict];
}

/** Ends this process as failed, and names what it still waits for, unless it ends by itself. */
function exitWithin(ms: number, say: (line: string) => void): void {
  const timer = setTimeout(() => {
    say(`still open after the end: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(EXIT.violated);
  }, ms);
  timer.unref();
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
