export { HELP, readCommandLine, type CommandLine, type StartOptions } from './options.ts';
