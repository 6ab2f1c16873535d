export { chooseServers, type ChooseServersOptions, type OwnSource } from './choose-servers.ts';
export { DevstackError, type DevstackErrorCode } from './errors.ts';
export { freePort } from './free-port.ts';
export { IMAGES } from './images.ts';
export type {
  DockerEngine,
  RunningServer,
  ServerPlan,
  ServersChoice,
  ServerSource,
} from './servers.ts';
export { serversFromEnvironment, type ServersFromEnvironment } from './servers-from-environment.ts';
export { type NatsOptions, type RedisOptions, startNats, startRedis } from './start-servers.ts';
export { startTcpProxy, type Direction, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.ts';
