import { createColors, printable, printableJson, wantsColors } from '@mgm/mgmctl';
import type { WatchedMembership } from '@mgm/client';
import type { EventMessage, InterfaceItem, MembershipEvent } from '@mgm/protocol';
import type { WorkerMessage } from '../worker/messages.ts';
import { Board } from './board.ts';
import type { ChangeListener } from './changes.ts';
import type { FrameModel } from './frame.ts';
import { GroupBoard } from './groups.ts';
import { LiveView } from './live-view.ts';
import { membershipLines, textLine } from './text-line.ts';

/** How changes are shown: a view updated in place, lines of text, lines of JSON, or not at all. */
export type ReportStyle = 'live' | 'lines' | 'json' | 'none';

/** The style for the flags and the kind of output. */
export function reportStyle(options: {
  readonly demo: boolean;
  readonly json: boolean;
  readonly isTerminal: boolean;
}): ReportStyle {
  if (options.json) return 'json';
  if (!options.demo) return 'none';
  return options.isTerminal ? 'live' : 'lines';
}

/** What the view shows in addition to the board. */
export type Surroundings = Omit<
  FrameModel,
  'rate' | 'rows' | 'groups' | 'changes' | 'igmpRestarts' | 'alerts'
>;

/** The output of a run: its own messages go to stderr, changes to stdout. */
export class Reporter implements ChangeListener {
  readonly #style: ReportStyle;
  readonly #igmpRestarts = new Map<string, number>();
  readonly #alerts = new Map<string, number>();
  readonly #board = new Board(performance.now());
  readonly #groups = new GroupBoard();
  #view: LiveView | undefined;

  constructor(style: ReportStyle) {
    this.#style = style;
  }

  /** Whether changes are shown at all. */
  get showsChanges(): boolean {
    return this.#style !== 'none';
  }

  /** Opens the view, if that is the style. */
  open(surroundings: () => Surroundings): void {
    if (this.#style !== 'live') return;
    const model = (): FrameModel => ({
      ...surroundings(),
      rate: this.#board.rate(performance.now()),
      rows: this.#board.rows,
      groups: this.#groups.rows,
      changes: this.#board.changes,
      igmpRestarts: this.#igmpRestarts,
      alerts: this.#alerts,
    });
    const colors = createColors(wantsColors(true, { env: process.env, screen: process.stdout }));
    this.#view = new LiveView(process.stdout, model, colors);
  }

  /** Closes the view. Later messages follow below it. */
  close(): void {
    this.#view?.close();
    this.#view = undefined;
  }

  /** Prints a message for people. */
  say(line: string): void {
    const text = line.split('\n').map(printable).join('\n');
    if (this.#view) this.#view.say(text);
    else process.stderr.write(`${text}\n`);
  }

  /** The surroundings of the board changed. */
  changed(): void {
    this.#view?.changed();
  }

  /** A worker reports what happened to it. */
  onWorker(message: WorkerMessage): void {
    if (message.kind === 'alerted') count(this.#alerts, `${message.protocol} ${message.type}`);
    else count(this.#igmpRestarts, message.interface);
    this.changed();
  }

  onSnapshot(items: readonly InterfaceItem[]): void {
    this.#board.reset(items);
    this.changed();
  }

  onEvent(event: EventMessage): void {
    switch (this.#style) {
      case 'live':
        this.#board.apply(event, performance.now());
        return this.changed();
      case 'lines':
        return void process.stdout.write(`${textLine(event)}\n`);
      case 'json':
        return void process.stdout.write(`${printableJson(event)}\n`);
      case 'none':
        return;
    }
  }

  onMemberships(memberships: readonly WatchedMembership[]): void {
    this.#groups.reset(memberships);
    this.changed();
  }

  onMembershipEvent(event: MembershipEvent): void {
    switch (this.#style) {
      case 'live':
        this.#groups.apply(event);
        return this.changed();
      case 'lines':
        for (const line of membershipLines(event)) process.stdout.write(`${line}\n`);
        return;
      case 'json':
        return void process.stdout.write(`${printableJson(event)}\n`);
      case 'none':
        return;
    }
  }

  onTrouble(why: string): void {
    this.say(`changes cannot be read at present: ${why}`);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
