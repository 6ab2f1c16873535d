import { eventually, natsAccess, TestProcess } from '@mgm/test-support';
import { Protocols } from '../support/raw-client.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { type Command, note, type Note, type WorkerSetup } from './worker-talk.ts';

const PROGRAM = new URL('worker.ts', import.meta.url);
/** Far above the delay of any note, also on a busy machine. */
const TOLD_WITHIN_MS = 30_000;

type NoteOf<Kind extends Note['kind']> = Extract<Note, { readonly kind: Kind }>;

/** The settings of a worker that a test chooses. */
export type WorkerOptions = Partial<Omit<WorkerSetup, 'prefix' | 'router'>>;

/** Short, and longer than a busy machine keeps a process waiting between two keepalives. */
const TTL_MS = 4_000;

/** Starts a worker on this router, by default PIM with a short lease, and resolves when it owns its interfaces. */
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
    ttlMs: TTL_MS,
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

/** A worker in a process of its own, with its notes so far. */
export class WorkerProcess implements AsyncDisposable {
  readonly notes: Note[] = [];
  readonly #process: TestProcess;

  constructor(setup: WorkerSetup) {
    this.#process = TestProcess.node(PROGRAM, [JSON.stringify(setup)], {
      ipc: true,
      onMessage: (message) => this.notes.push(note.parse(message)),
    });
  }

  /** The epochs of its interfaces at its note `holding`. */
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

  /** Waits for a note of this kind and returns the first one after position `from`. */
  async told<Kind extends Note['kind']>(kind: Kind, from = 0): Promise<NoteOf<Kind>> {
    return await eventually(
      () => {
        const [first] = this.notesOf(kind, from);
        if (first) return first;
        const told = this.notes.slice(-8).map((one) => JSON.stringify(one));
        throw new Error(`no note "${kind}" among: ${told.join(' ')}\n${this.#process.stderr}`);
      },
      { withinMs: TOLD_WITHIN_MS, everyMs: 5 },
    );
  }

  /** Sends a command and waits for the note that confirms it. */
  async tell<Kind extends Note['kind']>(command: Command, reply: Kind): Promise<NoteOf<Kind>> {
    const from = this.notes.length;
    this.send(command);
    return await this.told(reply, from);
  }

  send(command: Command): void {
    this.#process.send(command);
  }

  /** Resumes it after `stop` or `hang`. */
  goOn(): void {
    this.#process.resume();
    this.#process.write('\n');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
