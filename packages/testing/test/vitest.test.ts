import { startRouter } from '@mgm/testing';
import { test as base } from '@mgm/testing/vitest';
import { describe, expect, inject } from 'vitest';

const test = base.override({ routerOptions: { managers: 2, servers: inject('servers') } });

describe('the fixtures for Vitest', () => {
  const routers = new Set<object>();
  const clients = new Set<object>();

  test('give a router with the options of the file, and a worker', async ({ router, worker }) => {
    expect(router.managers).toHaveLength(2);
    expect(worker.mgm.router).toBe(router.router);
    routers.add(router);
    clients.add(worker.mgm);
  });

  test('share the router in a file, but not the worker', ({ router, worker }) => {
    routers.add(router);
    clients.add(worker.mgm);
    expect([routers.size, clients.size]).toEqual([1, 2]);
  });

  test('leave a test free to start its own router', async ({ router }) => {
    await using own = await startRouter({ servers: inject('servers') });
    expect(own.router).not.toBe(router.router);
  });
});
