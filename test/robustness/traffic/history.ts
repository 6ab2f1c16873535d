import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Hold } from '../check/interface-model.ts';
import { machineMonoMs } from '../../faults/worker-talk.ts';

/** What a call is about. `session` is the caller's, where the operation belongs to one. */
export interface Call {
  /** Unique in the run. Administrators say it as their reason, so that the log of changes names it. */
  readonly id: string;
  readonly op:
    | 'register'
    | 'take'
    | 'release'
    | 'owner'
    | 'validate'
    | 'deregister'
    | 'admin-release'
    | 'admin-evict';
  readonly session?: number;
  readonly igmp?: boolean;
  readonly ifIndex?: number;
  readonly epoch?: string;
  /** `admin-evict`: whom. */
  readonly target?: number;
}

/** What the caller was told. Only `unknown` may have happened or not; a refusal without effect is `refused`. */
export type Told =
  | { readonly told: 'taken'; readonly epoch: string }
  | { readonly told: 'already-owned'; readonly holder: Hold }
  | { readonly told: 'already-taken' | 'not-owner' | 'not-found' | 'free' | 'current' }
  | { readonly told: 'released'; readonly session?: number; readonly epoch?: string }
  | ({ readonly told: 'held'; readonly igmp?: Hold } & Hold)
  | { readonly told: 'outdated'; readonly current?: string }
  | { readonly told: 'registered'; readonly session: number; readonly resumed: boolean }
  | { readonly told: 'deregistered' | 'evicted' }
  | { readonly told: 'refused' | 'unknown'; readonly reason: string };

/** What a worker writes down, in the order in which it happened. */
export type Entry =
  | ({ readonly kind: 'invoked' } & Call)
  | ({ readonly kind: 'returned'; readonly id: string } & Told)
  /** The session may act until then by its own clock, if nothing more is heard. */
  | { readonly kind: 'deadline'; readonly session: number; readonly deadlineMono: number }
  /** From here on it believes that it owns the interface, until `lets-go` or the deadline of the session. */
  | ({ readonly kind: 'holds' | 'lets-go'; readonly ifIndex: number } & Hold)
  | {
      readonly kind: 'callback';
      readonly session: number;
      readonly seq: number;
      readonly type: string;
      readonly ifIndex: number;
      readonly rev?: number;
      readonly epoch?: string;
    }
  | { readonly kind: 'callbacks-missed'; readonly session: number }
  | { readonly kind: 'over'; readonly session: number; readonly why: string };

/** An entry at its time on the machine's monotonic clock, which all processes share. */
export type Timed<Of = Entry> = Of & { readonly mono: number };

/** Writes a history to a file, line by line, at once: what is written is there also when the writer is killed. */
export class Recorder implements Disposable {
  readonly #file: number;
  #calls = 0;
  readonly #name: string;

  constructor(path: string, name: string) {
    this.#file = openSync(path, 'a');
    this.#name = name;
  }

  /** A name for the next call. */
  nextId(): string {
    return `${this.#name}#${++this.#calls}`;
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify({ mono: machineMonoMs(), ...entry })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Reads what recorders wrote. A last line that was cut short by a kill is left out. */
export function readHistory(path: string): Timed[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Timed];
    } catch (error) {
      if (at >= lines.length - 2) return [];
      throw error;
    }
  });
}
