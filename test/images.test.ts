import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { IMAGES } from '@mgm/devstack';
import { expect, it } from 'vitest';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const IMAGE = /\bimage:\s*['"]?((?:redis|nats):[\w.-]+)/g;

/** The images of Redis and NATS that the files of a deployment name. */
async function imagesIn(patterns: string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for await (const path of glob(patterns, { cwd })) {
    const text = await readFile(`${cwd}/${path}`, 'utf8');
    const images = [...text.matchAll(IMAGE)].map(([, image = '']) => image);
    if (images.length > 0) found.set(path, images.toSorted());
  }
  return found;
}

it('Compose and every overlay of Kubernetes name the images of Redis and NATS that the tests use', async () => {
  const named = await imagesIn(['docker-compose.yml', 'deploy/**/*.{yaml,yml}']);
  expect([...named.keys()].toSorted()).toEqual([
    'deploy/kubernetes/overlays/cluster/nats.yaml',
    'deploy/kubernetes/overlays/cluster/redis-create.yaml',
    'deploy/kubernetes/overlays/cluster/redis.yaml',
    'deploy/kubernetes/overlays/durable-redis/nats.yaml',
    'deploy/kubernetes/overlays/durable-redis/redis.yaml',
    'docker-compose.yml',
  ]);
  const { redis, nats } = IMAGES;
  for (const [path, images] of named) {
    for (const image of images) expect([redis, nats], path).toContain(image);
  }
});
