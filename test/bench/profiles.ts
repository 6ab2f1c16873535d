import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { basename, join } from 'node:path';

interface Node {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string };
}

interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const IDLE = '(idle)';
const TOP = 16;

/** Runs `task` and writes a CPU profile of this process into `dir`; without `dir` it only runs it. */
export async function profiled<Result>(
  dir: string | undefined,
  name: string,
  task: () => Promise<Result>,
): Promise<Result> {
  if (dir === undefined) return task();
  await mkdir(dir, { recursive: true });
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  try {
    return await task();
  } finally {
    const { profile } = await session.post('Profiler.stop');
    await writeFile(join(dir, `load-${name}.cpuprofile`), JSON.stringify(profile));
    session.disconnect();
  }
}

/** The busy time of each profile in a folder, by package or file and by function. */
export async function whereTimeWent(dir: string): Promise<string> {
  const files = (await readdir(dir)).filter((file) => file.endsWith('.cpuprofile')).toSorted();
  const texts = files.map(async (file) => {
    const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as Profile;
    return [file, tableOf(timeByPart(profile)), tableOf(timeByFunction(profile))].join('\n');
  });
  return (await Promise.all(texts)).join('\n\n');
}

function tableOf(spent: Map<string, number>): string {
  spent.delete(IDLE);
  const all = [...spent.values()].reduce((sum, micros) => sum + micros, 0);
  const rows = [...spent].toSorted(([, a], [, b]) => b - a).slice(0, TOP);
  const lines = rows.map(([place, micros]) => {
    const share = ((100 * micros) / all).toFixed(1).padStart(5);
    return `${share} %  ${(micros / 1000).toFixed(0).padStart(7)} ms  ${place}`;
  });
  return [`${(all / 1000).toFixed(0)} ms busy`, ...lines].join('\n');
}

/** Microseconds by `function file`. */
export function timeByFunction(profile: Profile): Map<string, number> {
  return timeBy(profile, placeOf);
}

/** Microseconds by package, or by file of this project. Time of the engine is counted for its caller. */
export function timeByPart(profile: Profile): Map<string, number> {
  const askers = new Map(
    profile.nodes.flatMap((node) =>
      (node.children ?? []).map((child): [number, Node] => [child, node]),
    ),
  );
  return timeBy(profile, (node) => {
    for (let at: Node | undefined = node; at; at = askers.get(at.id)) {
      const { url } = at.callFrame;
      if (url !== '' && !url.startsWith('node:')) return packageOf(url) ?? basename(url);
    }
    return node.callFrame.functionName || 'engine';
  });
}

function timeBy(
  { nodes, samples, timeDeltas }: Profile,
  nameOf: (node: Node) => string,
): Map<string, number> {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const spent = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? 'unknown';
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[at] ?? 0));
  }
  return spent;
}

function placeOf({ callFrame: { functionName, url } }: Node): string {
  const name = functionName || '(anonymous)';
  return url === '' ? name : `${name} ${shortened(url)}`;
}

function shortened(url: string): string {
  const inPackage = packageOf(url);
  return inPackage === undefined ? basename(url) : `${inPackage}/${basename(url)}`;
}

function packageOf(url: string): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
}
