import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { nodeCommand } from '@mgm/test-support';
import { describe, expect, it, type TestContext } from 'vitest';
import { MAIN, run } from './program.ts';
import { mgmctlStage, PIM } from './stage.ts';

const stage = mgmctlStage();
/** Each completion of values starts the program. */
const SLOW_MS = 60_000;

/** The completions that a shell offers for a line. */
type Completes = (line: string) => string[];

/** Runs a script in a shell and returns the lines it prints. */
function linesOf(shell: string, script: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim().split('\n');
}

/** The same for bash, while this process serves the clients of its tests. */
async function linesOfShell(script: string): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

/** Skips the test without the shell, but not in CI. */
function needs(shell: string, context: TestContext): void {
  const isMissing = spawnSync(shell, ['-c', 'true']).status !== 0;
  if (isMissing && process.env['CI'] === 'true') throw new Error(`no ${shell} on PATH`);
  context.skip(isMissing, `needs ${shell}`);
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
  expect(completes('mgmctl static l')).toEqual(['list']);
  expect(completes('mgmctl static add 7 --gr')).toEqual(['--group']);
  expect(completes('mgmctl limit set 7 --max-g')).toEqual(['--max-groups']);
  expect(completes('mgmctl limit set 7 --no-l')).toEqual(['--no-lite']);
}

/** `completes` returns the kind of the values that follow, or the words of a fixed choice. */
function expectKinds(completes: Completes): void {
  const kinds = {
    interfaces: ['owner', 'release', 'members --if', 'static add', 'static list --if', 'limit set'],
    groups: ['mfe --group', 'members --group', 'static delete 7 --group'],
    sources: ['mfe --source', 'rib'],
    sessions: ['evict', 'members --session'],
    end: ['holdoff'],
  };
  for (const [kind, lines] of Object.entries(kinds)) {
    for (const line of lines) expect([line, completes(`mgmctl ${line}`)]).toEqual([line, [kind]]);
  }
}

describe('mgmctl completion', () => {
  it('makes bash complete commands and options', async () => {
    const script = await scriptFor('bash');
    expectCompletions((line) => {
      const words = `COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`;
      return linesOf('bash', `${script}\n${words}\n_mgmctl\nprintf '%s\\n' "\${COMPREPLY[@]}"`);
    });
  });

  it('makes bash complete routers, sessions and protocols', { timeout: SLOW_MS }, async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const program = `mgmctl() { ${nodeCommand(MAIN, []).join(' ')} "$@"; }`;
    const script = await scriptFor('bash');
    const nats = `--nats ${stage.servers.nats.url}`;
    const completes = async (line: string): Promise<string[]> => {
      const words = `COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`;
      const end = '_mgmctl\nprintf \'%s\\n\' "${COMPREPLY[@]}"';
      return await linesOfShell(`${program}\n${script}\n${words}\n${end}`);
    };
    expect(await completes(`mgmctl ${nats} --router ${router.name.slice(0, 4)}`)).toContain(
      router.name,
    );
    const on = `mgmctl ${nats} --router ${router.name}`;
    expect(await completes(`${on} evict `)).toEqual([String(pim.id)]);
    expect(await completes(`${on} rib --session `)).toEqual([String(pim.id)]);
    expect(await completes('mgmctl rib --s')).toEqual(['--session']);
    expect(await completes('mgmctl sessions --protocol P')).toContain('PIM');
    expect(await completes('mgmctl interfaces -o ')).toEqual(['wide']);
    expect(await completes(`mgmctl --nats nats://127.0.0.1:9 --router r1 evict `)).toEqual(['']);
  });

  it('makes bash ask for the values that follow', async () => {
    const script = await scriptFor('bash');
    // Prints the kind of the values that are asked for.
    const program = 'mgmctl() { echo "$4"; }';
    expectKinds((line) => {
      const words = `COMP_WORDS=(${line} ''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`;
      const end = '_mgmctl\nprintf \'%s\\n\' "${COMPREPLY[@]}"';
      return linesOf('bash', `${program}\n${script}\n${words}\n${end}`);
    });
  });

  it('asks the managers for interfaces, groups and sources', { timeout: SLOW_MS }, async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 9 }, { ifIndex: 9, nextHop: '10.0.0.1' }]);
    await pim.addGroupMembershipEntry({ ifIndex: 9, group: '232.1.1.1', source: '192.0.2.1' });
    await pim.reportFlows([{ group: '239.2.2.2', source: '10.1.2.3', ifIndex: 7 }]);
    const values = async (kind: string): Promise<string[]> =>
      (await router.run(['complete', kind])).stdout.trim().split('\n');
    expect(await values('interfaces')).toEqual(['7', '9']);
    expect(await values('groups')).toEqual(['232.1.1.1', '239.2.2.2']);
    expect(await values('sources')).toEqual(['192.0.2.1', '10.1.2.3']);
  });

  it('is loaded into bash as its help says', () => {
    const program = nodeCommand(MAIN, ['completion', 'bash']).join(' ');
    const loaded = linesOf('bash', `source <(${program}) && complete -p mgmctl`);
    expect(loaded).toEqual(['complete -F _mgmctl mgmctl']);
  });

  it('makes zsh complete commands and options', async (ctx) => {
    needs('zsh', ctx);
    const script = await scriptFor('zsh');
    // The completion system needs a terminal; the interface to a completion function does not.
    const system = 'compdef() { : }; compadd() { shift; print -l -- ${(M)@:#${words[CURRENT]}*} }';
    expectCompletions((line) => {
      const words = `words=(${line.replace(/ $/, " ''")}); CURRENT=$#words`;
      return linesOf('zsh', `${system}\n${script}\n${words}\n_mgmctl`);
    });
  });

  it('makes fish complete commands and options', async (ctx) => {
    needs('fish', ctx);
    const script = await scriptFor('fish');
    expectCompletions((line) =>
      linesOf('fish', `${script}\ncomplete -C '${line}'`).map((one) => one.replace(/\t.*/, '')),
    );
  });
});
