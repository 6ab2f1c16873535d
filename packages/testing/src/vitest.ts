import { test as base } from 'vitest';
import { startRouter, type RouterOptions } from './router.ts';

const defaults: RouterOptions = {};

/**
 * Vitest's `test` with fixtures, which are started only for tests that use them:
 *
 * - `routerOptions`: how the router is started; `test.override({ routerOptions: { managers: 2 } })` changes it.
 * - `router`: the `TestRouter` of the test file, ended after its last test.
 * - `worker`: a `TestWorker` of one test on that router, behind a link of its own, disposed after the test.
 *
 * All tests of a file share the router; a test that kills managers or loses the store calls `startRouter` for one of its own.
 */
export const test = base
  .extend('routerOptions', { scope: 'file' }, defaults)
  .extend('router', { scope: 'file' }, async ({ routerOptions }, { onCleanup }) => {
    const router = await startRouter(routerOptions);
    onCleanup(() => router[Symbol.asyncDispose]());
    return router;
  })
  .extend('worker', async ({ router }, { onCleanup }) => {
    const worker = await router.worker();
    onCleanup(() => worker[Symbol.asyncDispose]());
    return worker;
  });
