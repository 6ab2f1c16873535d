import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@mgm/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Supervisor, type SupervisedProgram, type UnexpectedEnd } from './supervisor.ts';

/** Prints its arguments and runs until SIGTERM. */
const PROGRAM = `
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
console.log('runs', ...process.argv.slice(2));
process.send({ arguments: process.argv.slice(2) });
`;

describe('a supervised child', () => {
  let folder: string;
  let program: SupervisedProgram;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mgm-demo-test-'));
    const file = join(folder, 'program.mjs');
    await writeFile(file, PROGRAM);
    const logFile = join(folder, 'program.log');
    program = {
      name: 'child',
      file,
      args: ['a'],
      restartArgs: ['again'],
      env: {},
      folder,
      logFile,
    };
  });
  afterEach(() => rm(folder, { recursive: true }));

  const logged = async (text: string): Promise<void> => {
    await eventually(async () => expect(await readFile(program.logFile, 'utf8')).toBe(text), {
      withinMs: 4_000,
    });
  };

  it('runs until it is stopped, and is not restarted', async () => {
    const ends: UnexpectedEnd[] = [];
    const supervisor = new Supervisor(program, { onUnexpectedEnd: (end) => ends.push(end) });
    await logged('runs a\n');
    await supervisor.stop(2_000);
    expect(supervisor.pid).toBeUndefined();
    expect(supervisor.starts).toBe(1);
    expect(ends).toEqual([]);
  });

  it('is restarted when it was killed, and the listener is notified', async () => {
    const ends: UnexpectedEnd[] = [];
    const messages: unknown[] = [];
    const supervisor = new Supervisor(program, {
      onUnexpectedEnd: (end) => ends.push(end),
      onMessage: (message) => messages.push(message),
    });
    await logged('runs a\n');
    // It logs first: killed between the two, it would have sent no message.
    await eventually(() => expect(messages).toHaveLength(1), { withinMs: 4_000 });
    process.kill(supervisor.pid ?? 0, 'SIGKILL');
    await logged('runs a\nruns a again\n');
    await eventually(() => expect(messages).toHaveLength(2), { withinMs: 4_000 });
    await supervisor.stop(2_000);
    expect(ends).toEqual([{ name: 'child', ending: 'SIGKILL', restartsInMs: 500 }]);
  });

  it('is killed if it does not end in time', async () => {
    const supervisor = new Supervisor({ ...program, file: await deafProgram() });
    await logged('runs a\n');
    const startedMono = performance.now();
    await supervisor.stop(200);
    expect(performance.now() - startedMono).toBeGreaterThanOrEqual(199);
    expect(supervisor.pid).toBeUndefined();
  });

  it('is not restarted if it is stopped during the pause', async () => {
    const paused = Promise.withResolvers<UnexpectedEnd>();
    const supervisor = new Supervisor(
      { ...program, file: join(folder, 'missing.mjs') },
      { onUnexpectedEnd: paused.resolve },
    );
    await expect(paused.promise).resolves.toMatchObject({ ending: 'exit code 1' });
    expect(supervisor.pid).toBeUndefined();
    await supervisor.stop(2_000);
    expect(supervisor.starts).toBe(1);
  });

  async function deafProgram(): Promise<string> {
    const file = join(folder, 'deaf.mjs');
    await writeFile(file, PROGRAM.replace('process.exit(0)', '{}'));
    return file;
  }
});
