export { ConfigError } from './config/config-error.ts';
export { loadConfig, type Config } from './config/config.ts';
export { configTable } from './config/variables.ts';
export { metricsTable } from './health/metrics.ts';
export { startManager, type Manager, type ManagerOptions } from './manager.ts';
export { VERSION } from '@mgm/protocol';
