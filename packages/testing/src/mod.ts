export { VERSION } from '@mgm/client';
export type { ManagerEnv } from './manager.ts';
export { startRouter, type RouterOptions, type TestManager, type TestRouter } from './router.ts';
export type { TestWorker, WorkerOptions } from './worker.ts';
