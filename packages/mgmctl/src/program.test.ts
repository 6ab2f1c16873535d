import { describe, expect, it } from 'vitest';
import type { Io } from './io.ts';
import { runMgmctl } from './program.ts';

/** Runs the program in this process, without servers. */
async function run(args: readonly string[], env: Io['env'] = {}) {
  let [stdout, stderr] = ['', ''];
  const code = await runMgmctl(args, {
    write: (text) => (stdout += text),
    writeError: (text) => (stderr += text),
    screen: undefined,
    ask: () => Promise.resolve(undefined),
    canAsk: false,
    env,
    user: 'user@host',
    pid: 1,
    signal: new AbortController().signal,
  });
  return { code, stdout, stderr };
}

describe('a wrong command line', () => {
  it.each([
    [['owner'], "missing required argument 'if'"],
    [['owner', '0'], '<if> "0": must be an integer from 1 to 4294967295;'],
    [['owner', '7', 'next'], '<nextHop> "next": must be an IPv4 or IPv6 address;'],
    [['owners', '7'], "unknown command 'owners' (Did you mean owner?)"],
    [['owner', '7', '--jason'], "unknown option '--jason' (Did you mean --json?)"],
    [['owner', '7', '10.0.0.1', '8'], 'too many arguments'],
    [['interfaces', '--protocol', 'pin'], 'must be a number or one of '],
    [['sessions', '--timeout', '5 s'], '--timeout "5 s": must be like 500ms, 5s or 2m'],
    [['sessions', '--timeout', '5'], '--timeout "5": must be like 500ms, 5s or 2m'],
    [['validate', '7', '0x1'], '<epoch> "0x1": must be a number, as mgmctl owner shows it;'],
    [['sessions', '--router', 'a.b'], 'router "a.b": must be 1 to 64 of'],
    [['sessions', '--creds', '/missing'], '--creds: /missing cannot be read (ENOENT);'],
    [['sessions', '--nkey', '/missing'], '--nkey: /missing cannot be read (ENOENT);'],
    [['sessions', '--tls-ca', '/missing'], '--tls-ca: /missing cannot be read (ENOENT);'],
    [['sessions', '--tls-cert', '/missing'], '--tls-key: a client certificate needs its key'],
    [['sessions', '--inbox-prefix', 'a.>'], '--inbox-prefix: '],
    [['sessions', '--nats', 'http://x'], 'must be like nats://host:port'],
    [['evict', '1', '--why', ' '], 'must be 1 to 256 characters'],
    [
      ['interfaces', '--columns', 'owner,epochs'],
      '--columns "owner,epochs": must be of interface,owner,',
    ],
    [['rib', '239.0.0.1'], '<source> "239.0.0.1": must be the IPv4 or IPv6 address of a host;'],
    [['rib', '10.0.0.0/8'], 'must be the IPv4 or IPv6 address of a host;'],
    [['rib', '--session', '0'], '--session "0": must be an integer from 1 to'],
    [['rib', '--columns', 'prefix,via'], 'must be of prefix,interface,upstream,'],
    [['completion', 'tcsh'], 'Allowed choices are'],
  ])('ends with 2 and one line: %s', async (args, message) => {
    const { code, stdout, stderr } = await run(['--router', 'r1', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^mgmctl: [^\n]+; mgmctl --help shows how\n$/);
  });

  it('is reported as an object if --json is anywhere in it', async () => {
    const { code, stderr } = await run(['owner', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'usage', exitCode: 2 });
  });

  it('shows no password', async () => {
    const { stderr } = await run(['sessions', '--router', 'r1'], {
      MGM_NATS_URL: 'http://user:secret@host',
    });
    expect(stderr).toContain('http://***@host');
    expect(stderr).not.toContain('secret');
  });

  it('is one without a router', async () => {
    const { code, stderr } = await run(['doctor']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'mgmctl: no router: name it with --router or in MGM_ROUTER; mgmctl --help shows how\n',
    });
  });
});

describe('--version', () => {
  it('prints the version of the package', async () => {
    const { code, stdout, stderr } = await run(['--version']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^mgmctl \d+\.\d+\.\d+\n$/);
  });
});

/** The commands that a help lists. */
function commandsIn(help: string): string[] {
  const [, list = ''] = /\nCommands:\n([^]*?)(\n\n|$)/.exec(help) ?? [];
  return [...list.matchAll(/^ {2}([a-z]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'help');
}

/** Checks the help of a command, and returns it. */
async function expectHelp(command: readonly string[]) {
  const help = await run([...command, '--help']);
  const name = command.join(' ');
  expect(help, name).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout, name).toMatch(/\nExamples?(, for [^\n]*)?:\n {2}\S/);
  expect(help.stdout, name).toContain('--json');
  return help;
}

describe('help', () => {
  it('exists for every command, with examples and the global options', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    const names = commandsIn(stdout);
    expect(names).toEqual(expect.arrayContaining(['interfaces', 'owner', 'doctor', 'completion']));
    for (const name of names) {
      const { stdout: help } = await expectHelp([name]);
      for (const inner of commandsIn(help)) await expectHelp([name, inner]);
    }
  });

  it('is printed by help, and help of an unknown command says what is wrong', async () => {
    const all = await run(['help']);
    expect(all).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Usage: mgmctl \[/),
    });
    const owner = await run(['help', 'owner']);
    expect(owner.stdout).toMatch(/^Usage: mgmctl owner \[options\] <if> \[nextHop\]/);
    expect(await run(['help', 'nope'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'mgmctl: unknown command "nope"; mgmctl --help shows how\n',
    });
  });

  it('is wrong usage without a command', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: mgmctl /);
  });
});
