export { chooseServers, type ChooseServersOptions, type OwnSource } from './choose-servers.ts';
export { cutReplication } from './cut-replication.ts';
export { DevstackError, type DevstackErrorCode } from './errors.ts';
export { freePort } from './free-port.ts';
export { IMAGES } from './images.ts';
export { startNatsCluster, type NatsCluster, type NatsClusterOptions } from './nats-cluster.ts';
export { startRedisCluster, type RedisCluster, type RedisClusterOptions } from './redis-cluster.ts';
export type { RedisNodesOptions, TlsFiles } from './redis-node.ts';
export {
  startRedisSentinel,
  type RedisSentinel,
  type RedisSentinelOptions,
} from './redis-sentinel.ts';
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
