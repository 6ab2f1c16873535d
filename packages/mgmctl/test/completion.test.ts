import { spawnSync } from 'node:child_process';
import { nodeCommand } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { MAIN, run } from './program.ts';

/** The completions that a shell offers for a line. */
type Completes = (line: string) => string[];

/** Runs a script in a shell and returns the lines it prints. */
function linesOf(shell: string, script: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim().split('\n');
}

function isMissing(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status !== 0;
}

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await run(['completion', shell]);
  expect(code).toBe(0);
  return stdout;
}

function expectCompletions(completes: Completes): void {
  expect(completes('mgmctl re').toSorted()).toEqual(['register', 'release']);
  expect(completes('mgmctl --router r1 hist')).toEqual(['history']);
  expect(completes('mgmctl release 7 --w')).toEqual(['--why']);
  expect(completes('mgmctl watch --ro')).toEqual(['--router']);
  expect(completes('mgmctl --router r1 ')).toContain('interfaces');
}

describe('mgmctl completion', () => {
  it('makes bash complete commands and options', async () => {
    const script = await scriptFor('bash');
    expectCompletions((line) => {
      const words = `COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`;
      return linesOf('bash', `${script}\n${words}\n_mgmctl\nprintf '%s\\n' "\${COMPREPLY[@]}"`);
    });
  });

  it('is loaded into bash as its help says', () => {
    const program = nodeCommand(MAIN, ['completion', 'bash']).join(' ');
    const loaded = linesOf('bash', `source <(${program}) && complete -p mgmctl`);
    expect(loaded).toEqual(['complete -F _mgmctl mgmctl']);
  });

  it('makes zsh complete commands and options', async (ctx) => {
    ctx.skip(isMissing('zsh'), 'needs zsh');
    const script = await scriptFor('zsh');
    // The completion system needs a terminal; the interface to a completion function does not.
    const system = 'compdef() { : }; compadd() { shift; print -l -- ${(M)@:#${words[CURRENT]}*} }';
    expectCompletions((line) => {
      const words = `words=(${line.replace(/ $/, " ''")}); CURRENT=$#words`;
      return linesOf('zsh', `${system}\n${script}\n${words}\n_mgmctl`);
    });
  });

  it('makes fish complete commands and options', async (ctx) => {
    ctx.skip(isMissing('fish'), 'needs fish');
    const script = await scriptFor('fish');
    expectCompletions((line) =>
      linesOf('fish', `${script}\ncomplete -C '${line}'`).map((one) => one.replace(/\t.*/, '')),
    );
  });
});
