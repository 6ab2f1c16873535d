import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScript } from '../src/process/script.ts';

describe('runScript', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mgm-script-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const script = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('resolves to the output and passes on each line of the error output', async () => {
    const path = await script('ok', 'echo "fetching $1" >&2; echo done >&2; echo /a/path');
    const lines: string[] = [];
    const options = { path, args: ['it'], withinMs: 30_000 };
    const output = await runScript({ ...options, onProgress: (line) => lines.push(line) });
    expect(output).toBe('/a/path\n');
    expect(lines).toEqual(['fetching it', 'done']);
  });

  it('rejects with the last line of the error output of a script that failed', async () => {
    const path = await script('fails', 'echo one >&2; echo "no such package" >&2; exit 3');
    await expect(runScript({ path, args: [], withinMs: 30_000 })).rejects.toThrow(
      /^no such package$/,
    );
  });

  it('names the exit code of a script that failed without a word', async () => {
    const path = await script('silent', 'exit 3');
    await expect(runScript({ path, args: [], withinMs: 30_000 })).rejects.toThrow('ended with 3');
  });

  it('ends at its limit although Bash handles SIGTERM only when its program has ended', async () => {
    const path = await script('waits', "trap 'exit 143' TERM\nsleep 600\n");
    await expect(runScript({ path, args: [], withinMs: 200 })).rejects.toThrow(
      /waits did not end within 0.2 s$/,
    );
  });

  it('kills a program that ignores SIGTERM', async () => {
    const path = await script('ignores', "trap '' TERM\nsleep 600\n");
    await expect(runScript({ path, args: [], withinMs: 200 })).rejects.toThrow('did not end');
  });

  it('ends with the reason of the signal of its caller', async () => {
    const path = await script('aborted', 'echo begun >&2\nsleep 600\n');
    const abort = new AbortController();
    const begun = (): void => abort.abort(new Error('no longer needed'));
    const options = { path, args: [], withinMs: 30_000, signal: abort.signal, onProgress: begun };
    await expect(runScript(options)).rejects.toThrow('no longer needed');
  });
});
