import { readFile } from 'node:fs/promises';
import { IMAGES } from '@mgm/devstack';
import { describe, expect, it } from 'vitest';

describe('the images', () => {
  it('are those of docker-compose.yml', async () => {
    const compose = await readFile(new URL('../../../docker-compose.yml', import.meta.url), 'utf8');
    expect(compose).toContain(`image: ${IMAGES.redis}\n`);
    expect(compose).toContain(`image: ${IMAGES.nats}\n`);
  });

  it('include the ryuk that the installed testcontainers expects', async () => {
    const reaper = new URL('reaper/reaper.js', import.meta.resolve('testcontainers'));
    expect(await readFile(reaper, 'utf8')).toContain(`"${IMAGES.ryuk}"`);
  });
});
