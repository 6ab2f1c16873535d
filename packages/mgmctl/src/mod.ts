export { runMgmctl } from './program.ts';
export { ExitCode } from './exit-code.ts';
export type { Io } from './io.ts';
