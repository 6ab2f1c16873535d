import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMPILED, eventually } from '@mgm/test-support';
import { Protocols } from '../support/raw-client.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { natsAccess } from './nats-access.ts';
import { type Command, note, type Note, type WorkerSetup } from './worker-talk.ts';

const PROGRAM = fileURLToPath(new URL('worker.ts', import.meta.url));
/** Ends what it starts as soon as its parent is gone, also when that was killed (Linux). */
const SETPRIV = '/usr/bin/setpriv';
/** Far above any honest delay, also on a machine that has other things to do. */
const TOLD_WITHIN_MS = 10_000;

type NoteOf<Kind extends Note['kind']> = Extract<Note, { readonly kind: Kind }>;

/** What a test sets of a worker; the rest follows from where it runs. */
export type WorkerOptions = Partial<Omit<WorkerSetup, 'prefix' | 'router'>>;

/** Starts a worker on this router, by default PIM with the shortest lease, and resolves when it owns what it was to take. */
export async function startWorker(
  { prefix, name: router }: RawRouter,
  natsUrl: string,
  options: WorkerOptions = {},
): Promise<WorkerProcess> {
  const worker = new WorkerProcess({
    ...natsAccess(natsUrl),
    prefix,
    router,
    protocolId: Protocols.pim,
    componentId: 1,
    name: 'worker',
    ttlMs: 1_000,
    interfaces: [7],
    ...options,
  });
  try {
    await worker.told('holding');
    return worker;
  } catch (error) {
    await worker.kill();
    throw error;
  }
}

/** A worker in a process of its own, with everything that it told so far. */
export class WorkerProcess implements AsyncDisposable {
  readonly notes: Note[] = [];
  readonly #child: ChildProcess;
  #words = '';

  constructor(setup: WorkerSetup) {
    const node = [process.execPath, '--conditions=@mgm/source', PROGRAM, JSON.stringify(setup)];
    const [program = '', ...args] = existsSync(SETPRIV)
      ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...node]
      : node;
    this.#child = spawn(program, args, {
      env: { ...COMPILED },
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (message) => this.notes.push(note.parse(message)));
    this.#child.stderr?.setEncoding('utf8').on('data', (words: string) => {
      this.#words = (this.#words + words).slice(-8192);
    });
  }

  /** What it owned when it told `holding`: interface to epoch. */
  get epochs(): ReadonlyMap<number, string> {
    const [holding] = this.notesOf('holding');
    return new Map(holding?.held.map(({ ifIndex, epoch }) => [ifIndex, epoch]));
  }

  get session(): number {
    return this.notesOf('holding')[0]?.session ?? 0;
  }

  notesOf<Kind extends Note['kind']>(kind: Kind, from = 0): NoteOf<Kind>[] {
    return this.notes.slice(from).filter((one): one is NoteOf<Kind> => one.kind === kind);
  }

  /** Waits for the first note of this kind, of those after the first `from`. */
  async told<Kind extends Note['kind']>(kind: Kind, from = 0): Promise<NoteOf<Kind>> {
    return await eventually(
      () => {
        const [first] = this.notesOf(kind, from);
        if (first) return first;
        const told = this.notes.slice(-8).map((one) => JSON.stringify(one));
        throw new Error(`it did not tell "${kind}", but: ${told.join(' ')}\n${this.#words}`);
      },
      { withinMs: TOLD_WITHIN_MS, everyMs: 5 },
    );
  }

  /** Tells it to do something, and waits for the note that says so. */
  async tell<Kind extends Note['kind']>(command: Command, answer: Kind): Promise<NoteOf<Kind>> {
    const from = this.notes.length;
    this.send(command);
    return await this.told(answer, from);
  }

  send(command: Command): void {
    this.#child.send(command);
  }

  /** Lets it go on after `stop` or `hang`. */
  goOn(): void {
    this.#child.kill('SIGCONT');
    this.#child.stdin?.write('\n');
  }

  /** Ends it as a crash would, and resolves when it is gone. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
