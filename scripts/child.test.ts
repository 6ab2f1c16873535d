import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './child.mjs';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const GUARD = fileURLToPath(new URL('end-with-parent.mjs', import.meta.url));

const collecting = { cwd: process.cwd(), env: process.env, output: 'collect' } as const;

/** A program that prints the signals it gets and ends with 7 shortly after the first one; without a signal it ends with 9. */
const PROGRAM = `
  const end = () => setTimeout(() => { console.log('end'); process.exit(7); }, 400);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => { console.log(signal); end(); });
  }
  setTimeout(() => process.exit(9), 10_000);
  console.log('pid ' + process.pid);
`;

/** Starts a process that runs the program like `npm start` does, and reads its output. */
function startParent() {
  const args = [`--import=${GUARD}`, '--input-type=module', '--eval', PROGRAM];
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { run } from ${JSON.stringify(CHILD)};
       const options = { cwd: '.', env: process.env, output: 'inherit', guarded: true };
       process.exitCode = (await run(process.execPath, ${JSON.stringify(args)}, options)).code;`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: parent.stdout });
  return {
    parent,
    lines,
    next: async () => String(await once(lines, 'line')),
    exit: once(parent, 'exit'),
  };
}

describe('a program run by a script', () => {
  it('gets Ctrl-C once, also if terminal and npm both send it, and the script waits for it', async () => {
    const { parent, lines, next, exit } = startParent();
    await next();
    const said: string[] = [];
    lines.on('line', (line) => said.push(line));
    parent.kill('SIGINT');
    const first = await next();
    parent.kill('SIGINT');
    expect(first).toBe('SIGINT');
    expect(await exit).toEqual([7, null]);
    expect(said).toEqual(['SIGINT', 'end']);
  });

  it('ends if the script was killed', async () => {
    const { parent, next, exit } = startParent();
    await next();
    parent.kill('SIGKILL');
    expect(await next()).toBe('SIGTERM');
    expect(await next()).toBe('end');
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('returns its exit code and both output streams', async () => {
    const code = 'console.log("out"); console.error("err"); process.exitCode = 3;';
    const { code: status, output } = await run(process.execPath, ['--eval', code], collecting);
    expect(status).toBe(3);
    expect(output.split('\n').toSorted()).toEqual(['', 'err', 'out']);
  });

  it('is ended with its children after its time limit', async () => {
    const { code, output } = await run('bash', ['-c', 'sleep 60 & wait'], {
      ...collecting,
      withinMs: 50,
    });
    expect(code).toBe(143);
    expect(output).toContain('ended after 50 ms: it took too long');
  });

  it('reports why it could not be started', async () => {
    const { code, output } = await run('mgm-no-such-program', [], collecting);
    expect(code).toBe(127);
    expect(output).toContain(
      'mgm-no-such-program could not be started: spawn mgm-no-such-program ENOENT',
    );
  });
});
