export { linkTo, type Link } from '@mgm/devstack';
export { eventually, type EventuallyOptions } from './eventually.ts';
export { heapAfter } from './heap.ts';
export { linkModules } from './link-modules.ts';
export {
  managerEnv,
  spawnManager,
  startManager,
  startManagers,
  type ManagerEnv,
  type ManagerProcess,
  type Managers,
  type ManagerServers,
} from './managers.ts';
export { newRouterName, ownNames } from './names.ts';
export { natsAccess, type NatsAccess } from './nats-access.ts';
export { startServers, type TestServers } from './servers.ts';
export { notBreakable, skipAmongOthers, stageForAll, type Stage } from './stage.ts';
export { startStopwatch, type Stopwatch } from './stopwatch.ts';
export { storedNumber } from './stored-number.ts';
export {
  endingWithParent,
  nodeCommand,
  noTerminal,
  TestProcess,
  type Ended,
  type TerminalSize,
  type TestProcessOptions,
} from './test-process.ts';
