import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runScript } from '@mgm/devstack';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);
const FETCH_WITHIN_MS = 180_000;

/** Absolute path of a file below the repository's root. */
export function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Path of a program that a script of this folder finds on the machine or fetches. */
export async function fetchTool(name: 'kubectl' | 'promtool'): Promise<string> {
  const path = fromRoot(`test/deploy/fetch-${name}.sh`);
  const args = [fromRoot(`.cache/${name}`)];
  return (await runScript({ path, args, withinMs: FETCH_WITHIN_MS })).trim();
}

/** One object of a rendered folder. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

/** What `kubectl kustomize` makes of a folder below deploy/kubernetes. */
export async function render(kubectl: string, folder: string): Promise<KubernetesObject[]> {
  const { stdout } = await run(kubectl, ['kustomize', fromRoot(`deploy/kubernetes/${folder}`)]);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubernetesObject);
}
