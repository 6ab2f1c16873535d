import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startNats, startRedis } from '@mgm/devstack';
import { startManagers } from '@mgm/test-support';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { fetchTool, fromRoot, render, type KubernetesObject } from './rendered.ts';

const run = promisify(execFile);
const choice = inject('servers');
const FOLDERS = ['base', 'overlays/durable-redis', 'overlays/cluster'];
const rendered = new Map<string, KubernetesObject[]>();

beforeAll(async () => {
  const kubectl = await fetchTool('kubectl');
  for (const folder of FOLDERS) rendered.set(folder, await render(kubectl, folder));
}, 200_000);

function objectsOf(folder: string): KubernetesObject[] {
  return rendered.get(folder) ?? [];
}

function configMap(folder: string, name: string): Readonly<Record<string, string>> {
  const found = objectsOf(folder).find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(`${name}-`),
  );
  return found?.data ?? {};
}

/** A module that assigns each object to the interface of its kind, so that `tsc` finds misspelt and missing fields. */
function typedModule(objects: readonly KubernetesObject[]): string {
  return objects
    .map(({ apiVersion, ...rest }, at) => {
      const { kind } = rest;
      const models = apiVersion.startsWith('monitoring.coreos.com/')
        ? '@kubernetes-models/prometheus-operator'
        : 'kubernetes-models';
      const object = JSON.stringify({ apiVersion, ...rest }, undefined, 2);
      return `import type { I${kind} as Kind${at} } from '${models}/${apiVersion}/${kind}';\nexport const object${at}: Kind${at} = ${object};\n`;
    })
    .join('\n');
}

async function typeErrors(objects: readonly KubernetesObject[]): Promise<string> {
  const cache = fromRoot('test/.cache');
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(join(cache, 'kubernetes-'));
  try {
    const file = join(dir, 'objects.ts');
    await writeFile(file, typedModule(objects));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext', '--types', ''];
    await run(fromRoot('node_modules/.bin/tsc'), [...options, ...modules, file]);
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe('deploy/kubernetes', () => {
  it('renders objects that have the types of Kubernetes 1.35', async () => {
    for (const folder of FOLDERS) expect(objectsOf(folder).length).toBeGreaterThan(5);
    expect(await typeErrors(FOLDERS.flatMap(objectsOf))).toBe('');
  });

  it('finds a misspelt field with the same check', async () => {
    const [deployment] = objectsOf('base').filter(({ kind }) => kind === 'Deployment');
    const misspelt = { ...deployment, spec: { ...(deployment?.spec as object), replica: 2 } };
    expect(await typeErrors([misspelt as KubernetesObject])).toMatch(/'"replica"' does not exist/);
  });

  it('deploys what the operations page promises', () => {
    const kinds = (folder: string) => objectsOf(folder).map(({ kind }) => kind);
    expect(kinds('base')).toEqual(
      expect.arrayContaining([
        'Deployment',
        'PodDisruptionBudget',
        'NetworkPolicy',
        'ServiceMonitor',
      ]),
    );
    expect(kinds('overlays/cluster')).toContain('HorizontalPodAutoscaler');
  });

  it('runs every container without privileges', () => {
    const all = FOLDERS.flatMap(objectsOf).map((object) => JSON.stringify(object));
    const pods = all.filter((text) => text.includes('"containers":['));
    expect(pods.length).toBeGreaterThan(5);
    for (const text of pods) {
      expect(text).toContain('"runAsNonRoot":true');
      expect(text).toContain('"allowPrivilegeEscalation":false');
      expect(text).toContain('"readOnlyRootFilesystem":true');
      expect(text).toContain('"drop":["ALL"]');
      expect(text).toContain('"automountServiceAccountToken":false');
    }
  });

  it('has settings of one durable Redis that a manager serves on', async (context) => {
    context.skip(choice.redis.kind !== 'process', 'reads a configuration file of this machine');
    const lines = (configMap('overlays/durable-redis', 'redis')['redis.conf'] ?? '').split('\n');
    // The folder and the users are those of the pod.
    const settings = lines.filter((line) => line !== '' && !/^(#|dir |aclfile )/.test(line));
    expect(settings).toContain('appendfsync always');
    const args = settings.flatMap((line) => `--${line}`.split(' '));
    const { MGM_DURABILITY = '' } = configMap('overlays/durable-redis', 'mgm-manager');
    expect(MGM_DURABILITY).toBe('durable');
    await using redis = await startRedis(choice, { args });
    await using nats = await startNats(choice);
    await using managers = await startManagers(1, { redis, nats }, { MGM_DURABILITY });
    expect(managers.running).toHaveLength(1);
  });

  it.for(['overlays/durable-redis', 'overlays/cluster'])(
    'has a configuration in %s that nats-server accepts',
    async (folder, context) => {
      if (choice.nats.kind !== 'process') {
        return context.skip(true, 'runs the nats-server program of this machine');
      }
      const conf = configMap(folder, 'nats')['nats-server.conf'] ?? 'missing {';
      const cache = fromRoot('test/.cache');
      await mkdir(cache, { recursive: true });
      const dir = await mkdtemp(join(cache, 'nats-'));
      const file = join(dir, 'nats-server.conf');
      await writeFile(file, conf.replace(/^include .*$/m, ''));
      const env = { ...process.env, POD_NAME: 'nats-0' };
      await expect(run(choice.nats.command, ['-t', '-c', file], { env })).resolves.toBeDefined();
      await rm(dir, { recursive: true });
    },
  );
});
