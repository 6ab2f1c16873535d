import { Child, type ChildListener, type Ending, type Program } from './child.ts';

/** A program that is restarted when it ends. */
export interface SupervisedProgram extends Program {
  /** Additional arguments from the second start on. */
  readonly restartArgs?: readonly string[];
}

/** A child ended unexpectedly. */
export interface UnexpectedEnd {
  readonly name: string;
  readonly ending: Ending;
  readonly restartsInMs: number;
}

export interface SupervisorListener extends ChildListener {
  readonly onUnexpectedEnd?: (end: UnexpectedEnd) => void;
  readonly onRestart?: (name: string, pid: number | undefined) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** After a run of this length the next pause is the shortest again. */
const WELL_AFTER_MS = 30_000;

/**
 * Keeps one child running.
 *
 * RUNNING → PAUSED when the child ended unexpectedly. PAUSED → RUNNING after a pause that grows from 0.5 to 10 s. Either →
 * STOPPED by {@link stop} or {@link kill}, never back.
 */
export class Supervisor {
  readonly program: SupervisedProgram;
  readonly #listener: SupervisorListener;
  #child: Child | undefined;
  #startedMono = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #starts = 0;
  #isStopped = false;

  constructor(program: SupervisedProgram, listener: SupervisorListener = {}) {
    this.program = program;
    this.#listener = listener;
    this.#start();
  }

  /** The process id of the child; undefined during a pause. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The number of starts. */
  get starts(): number {
    return this.#starts;
  }

  /** Ends the child, by SIGKILL after `withinMs`, and resolves when it has ended. */
  async stop(withinMs: number): Promise<void> {
    this.#end();
    await this.#child?.stop(withinMs);
  }

  /** Kills the child. */
  kill(): void {
    this.#end();
    this.#child?.kill();
  }

  #end(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #start(): void {
    const { restartArgs = [], ...program } = this.program;
    const args = this.#starts++ === 0 ? program.args : [...program.args, ...restartArgs];
    const child = new Child({ ...program, args }, this.#listener);
    this.#child = child;
    this.#startedMono = performance.now();
    void child.ended.then((ending) => this.#onEnded(ending));
  }

  #onEnded(ending: Ending): void {
    this.#child = undefined;
    if (this.#isStopped) return;
    if (performance.now() - this.#startedMono > WELL_AFTER_MS) this.#pauseMs = FIRST_PAUSE_MS;
    const restartsInMs = this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#restart(), restartsInMs);
    this.#listener.onUnexpectedEnd?.({ name: this.program.name, ending, restartsInMs });
  }

  #restart(): void {
    this.#start();
    this.#listener.onRestart?.(this.program.name, this.pid);
  }
}
