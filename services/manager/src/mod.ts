export { configTable } from './config-table.ts';
export { metricsTable } from './metrics-table.ts';
export { ConfigError } from './config-error.ts';
export { loadConfig, type Config } from './config.ts';
export { startManager, type Manager, type ManagerOptions } from './manager.ts';
