import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './child.mjs';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const GUARD = fileURLToPath(new URL('end-with-parent.mjs', import.meta.url));

const collecting = { cwd: process.cwd(), env: process.env, output: 'collect' } as const;

/** A program that says which signals it got, and ends with 7 a little after the first; by itself with 9, so none is left. */
const PROGRAM = `
  const end = () => setTimeout(() => { console.log('end'); process.exit(7); }, 400);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => { console.log(signal); end(); });
  }
  setTimeout(() => process.exit(9), 10_000);
  console.log('pid ' + process.pid);
`;

/** Starts a process that runs the program as `npm start` does, and reads what the program says. */
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
  it('gets Ctrl-C once, also when terminal and npm both send it, and is waited for', async () => {
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

  it('ends when the script was killed and could not tell it', async () => {
    const { parent, next, exit } = startParent();
    await next();
    parent.kill('SIGKILL');
    expect(await next()).toBe('SIGTERM');
    expect(await next()).toBe('end');
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('gives its exit code and both its streams', async () => {
    const code = 'console.log("out"); console.error("err"); process.exitCode = 3;';
    const { code: status, output } = await run(process.execPath, ['--eval', code], collecting);
    expect(status).toBe(3);
    expect(output.split('\n').toSorted()).toEqual(['', 'err', 'out']);
  });

  it('is ended, with all that it started, when it takes too long', async () => {
    const { code, output } = await run('bash', ['-c', 'sleep 60 & wait'], {
      ...collecting,
      withinMs: 50,
    });
    expect(code).toBe(143);
    expect(output).toContain('ended after 50 ms: it took too long');
  });

  it('says why it could not be started', async () => {
    const { code, output } = await run('mgm-no-such-program', [], collecting);
    expect(code).toBe(127);
    expect(output).toContain(
      'mgm-no-such-program could not be started: spawn mgm-no-such-program ENOENT',
    );
  });
});
