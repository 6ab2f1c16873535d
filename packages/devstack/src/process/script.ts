import { addAbortListener } from 'node:events';
import { createInterface } from 'node:readline';
import { endWithChildren, spawnBound } from './child-process.ts';

/** How a Bash script is run. */
export interface ScriptOptions {
  /** Its absolute path. */
  readonly path: string;
  readonly args: readonly string[];
  /** The limit in ms, after which the script and all programs that it runs are ended. */
  readonly withinMs: number;
  /** Ends it earlier. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each line of its error output. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/**
 * Runs a Bash script and resolves to its output. A script that ends with an error rejects with the last line of its error
 * output, one that exceeds the limit with the limit, and an aborted one with the reason of the signal.
 */
export async function runScript(options: ScriptOptions): Promise<string> {
  const { path, args, withinMs, signal, onProgress = () => {} } = options;
  signal?.throwIfAborted();
  const child = spawnBound({
    command: 'bash',
    args: [path, ...args],
    dir: '/',
    onOrphaned: 'TERM',
  });
  const limit = AbortSignal.timeout(withinMs);
  const ending = signal ? AbortSignal.any([signal, limit]) : limit;
  using _ = addAbortListener(ending, () => endWithChildren(child));
  const ended = Promise.withResolvers<number | string>();
  child.once('error', (error) => ended.resolve(error.message));
  child.once('close', (code, name) => ended.resolve(name ?? code ?? 'unknown'));
  let lastLine: string | undefined;
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLine = line;
      onProgress(line);
    });
  }
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await ended.promise;
  signal?.throwIfAborted();
  if (code === 0) return output;
  if (limit.aborted) throw new Error(`${path} did not end within ${withinMs / 1000} s`);
  throw new Error(lastLine ?? `${path} ended with ${code}`);
}
