export { runMgmctl } from './program.ts';
export { ExitCode } from './exit-code.ts';
export type { Io } from './io.ts';
export { wantsColors } from './output/output.ts';
export {
  createColors,
  fitLine,
  printable,
  printableJson,
  tableLines,
  type Colors,
} from './output/terminal.ts';
