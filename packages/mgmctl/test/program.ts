import { TestProcess, type Ended } from '@mgm/test-support';

/** The program, from source. */
export const MAIN = new URL('../src/main.ts', import.meta.url);

/** How to run `mgmctl`. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The whole of its standard input. */
  readonly input?: string;
  /** The width of the terminal. Default 100. */
  readonly columns?: number;
}

/** Starts it with pipes, as a script does. */
export function start(args: readonly string[], { env = {}, input }: RunOptions = {}): TestProcess {
  const program = TestProcess.node(MAIN, args, { env });
  if (input !== undefined) program.child.stdin?.end(input);
  return program;
}

/** Runs it to its end, with pipes. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  await using program = start(args, { input: '', ...options });
  return await program.ended();
}

/** Starts it on a terminal of 30 rows. */
export function onTerminal(
  args: readonly string[],
  { env = {}, columns = 100 }: RunOptions = {},
): TestProcess {
  return TestProcess.onTerminal(MAIN, args, { columns, rows: 30 }, { env });
}
