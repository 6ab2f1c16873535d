export { loadConfig, ConfigError, type Access, type Config } from './config/config.ts';
export { configTable } from './config/variables.ts';
export { startConsole, type RunningConsole } from './server.ts';
