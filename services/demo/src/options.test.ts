import { describe, expect, it } from 'vitest';
import { HELP, readCommandLine } from './options.ts';

describe('the command line of npm start', () => {
  it('has a default for everything', () => {
    expect(readCommandLine([])).toEqual({
      kind: 'run',
      options: { demo: true, managers: 2, router: 'demo', json: false, seed: 1 },
    });
  });

  it('reads every flag', () => {
    const args = '--no-demo --managers 3 --router core_1 --nats-port 4222 --redis-port=6379';
    const more = ['--data', '/srv/mgm', '--json', '--seed', '7'];
    expect(readCommandLine([...args.split(' '), ...more])).toEqual({
      kind: 'run',
      options: {
        demo: false,
        managers: 3,
        router: 'core_1',
        natsPort: 4222,
        redisPort: 6379,
        dataDir: '/srv/mgm',
        json: true,
        seed: 7,
      },
    });
  });

  it.each([
    [['--manager', '3'], /--manager'.*--help/],
    [['--managers', '0'], /--managers 0: must be 1 to 16.*--help/],
    [['--managers', '2x'], /--managers 2x: must be 1 to 16/],
    [['--managers'], /--managers.*argument missing/],
    [['--nats-port', '65536'], /--nats-port 65536: must be 1 to 65535/],
    [['--router', 'a.b'], /--router a\.b: must be 1 to 64 of/],
    [['--data', ''], /--data: must be a folder/],
    [['--json=yes'], /--json/],
    [['demo'], /demo.*--help/],
  ])('refuses %j and says what to do', (args, why) => {
    expect(readCommandLine(args)).toEqual({ kind: 'refused', why: expect.stringMatching(why) });
  });

  it.each([
    [{ npm_config_demo: '' }, '--no-demo'],
    [{ npm_config_managers: '5' }, '--managers …'],
    [{ npm_config_nats_port: 'true' }, '--nats-port …'],
  ])('says that npm kept a flag because -- is missing: %j', (env, flag) => {
    const npm = { npm_lifecycle_event: 'start', ...env };
    const why = `npm took ${flag} as an option of its own: write npm start -- ${flag}`;
    expect(readCommandLine(['5'], npm)).toEqual({ kind: 'refused', why });
    expect(readCommandLine(['--no-demo'], env)).toMatchObject({ kind: 'run' });
  });

  it('explains every flag, with examples', () => {
    expect(readCommandLine(['--nonsense', '--help']).kind).toBe('refused');
    expect(readCommandLine(['-h'])).toEqual({ kind: 'help' });
    const flags = 'no-demo managers router nats-port redis-port data json seed help'.split(' ');
    for (const flag of flags) expect(HELP).toContain(`  --${flag} `);
  });
});
