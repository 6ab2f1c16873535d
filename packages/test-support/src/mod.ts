export { eventually, type EventuallyOptions } from './eventually.ts';
export { startServers, type TestServers } from './servers.ts';
