export { COMPILED } from './compiled.ts';
export { eventually, type EventuallyOptions } from './eventually.ts';
export { heapAfter } from './heap.ts';
export {
  startManagerProcess,
  type ManagerProcess,
  type ManagerServers,
} from './manager-process.ts';
export { startServers, type TestServers } from './servers.ts';
export { storedNumber } from './stored-number.ts';
