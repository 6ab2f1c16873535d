import type { WriteStream } from 'node:tty';
import type { Colors } from '@mgm/mgmctl';
import { createLogUpdate } from 'log-update';
import { frame, type FrameModel } from './frame.ts';

/** The shortest interval between frames. */
const PAINT_EVERY_MS = 100;
/** The longest interval between frames: the rate of changes falls also without changes. */
const PAINT_AT_LEAST_EVERY_MS = 1_000;

/** The view, updated in place on a terminal. */
export class LiveView {
  readonly #terminal: WriteStream;
  readonly #model: () => FrameModel;
  readonly #colors: Colors;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #paintNow = (): void => this.#paint();
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: WriteStream, model: () => FrameModel, colors: Colors) {
    this.#terminal = terminal;
    this.#model = model;
    this.#colors = colors;
    this.#update = createLogUpdate(terminal);
    this.#heartbeat = setInterval(() => this.#paint(), PAINT_AT_LEAST_EVERY_MS);
    terminal.on('resize', this.#paintNow);
    this.#paint();
  }

  /** The model changed: paints soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#paint(), PAINT_EVERY_MS);
  }

  /** Prints a line above the view. */
  say(line: string): void {
    this.#update.persist(line);
    this.#paint();
  }

  /** Leaves the last frame on the terminal. */
  close(): void {
    this.#paint();
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    this.#terminal.off('resize', this.#paintNow);
    this.#update.done();
  }

  #paint(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { columns, rows } = this.#terminal;
    this.#update(frame(this.#model(), { columns, rows }, this.#colors));
  }
}
