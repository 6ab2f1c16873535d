export {
  chooseServers,
  type ChooseServersOptions,
  type OwnSource,
} from './choose/choose-servers.ts';
export { cutReplication } from './groups/redis-node.ts';
export { DevstackError, type DevstackErrorCode } from './errors.ts';
export { Program, startProgram, type ProgramOptions } from './process/program.ts';
export { runScript, type ScriptOptions } from './process/script.ts';
export { freePort } from './process/free-port.ts';
export { IMAGES } from './docker/images.ts';
export {
  startNatsCluster,
  type NatsCluster,
  type NatsClusterOptions,
} from './groups/nats-cluster.ts';
export {
  startRedisCluster,
  type RedisCluster,
  type RedisClusterOptions,
} from './groups/redis-cluster.ts';
export type { RedisNodesOptions, TlsFiles } from './groups/redis-node.ts';
export {
  startRedisSentinel,
  type RedisSentinel,
  type RedisSentinelOptions,
} from './groups/redis-sentinel.ts';
export type {
  DockerEngine,
  RunningServer,
  ServerPlan,
  ServersChoice,
  ServerSource,
} from './servers.ts';
export {
  serversFromEnvironment,
  type ServersFromEnvironment,
} from './choose/servers-from-environment.ts';
export { type NatsOptions, type RedisOptions, startNats, startRedis } from './start-servers.ts';
export { linkTo, type Link } from './proxy/link.ts';
export {
  startTcpProxy,
  type Direction,
  type TcpProxy,
  type TcpProxyOptions,
} from './proxy/tcp-proxy.ts';
