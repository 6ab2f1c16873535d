import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './setup.mjs';

/** The fields of a package.json that the checks use. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A package of this repository. */
export interface Workspace {
  /** Its folder, from the root. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Reads the package.json in a folder, given from the root. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;
}

/** The packages that the root's package.json lists, by folder. */
export function workspaces(): Workspace[] {
  const patterns = readManifest('.').workspaces ?? [];
  const folders = globSync([...patterns], { cwd: ROOT }).filter((folder) =>
    existsSync(join(ROOT, folder, 'package.json')),
  );
  return folders.toSorted().map((folder) => ({ folder, manifest: readManifest(folder) }));
}

/** The packages that are built into dist. */
export function builtWorkspaces(): Workspace[] {
  return workspaces().filter(({ folder }) => existsSync(join(ROOT, folder, 'tsconfig.build.json')));
}

/** `packages/store` is `store`. */
export function shortName({ folder }: Workspace): string {
  return basename(folder);
}
