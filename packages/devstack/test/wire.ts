import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { vi } from 'vitest';

/** One connection that speaks lines, to see whether, and what, a server answers on this very connection. */
export class Wire implements Disposable {
  /** Why the connection ended: an error code, or `end`; nothing while it is open. */
  ended: string | undefined;
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => (this.#received += text));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.ended = error.code ?? 'error'));
    socket.on('end', () => (this.ended ??= 'end'));
  }

  static async open({ host, port }: { host: string; port: number }): Promise<Wire> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect', { signal: AbortSignal.timeout(2_000) });
    return new Wire(socket);
  }

  /** Sends a line and resolves to the first line of the answer. */
  async ask(line: string): Promise<string> {
    this.send(line);
    return this.answer();
  }

  send(line: string): void {
    this.#received = '';
    this.#socket.write(`${line}\r\n`);
  }

  /** The first line received since the last one was sent; it is then taken as read. */
  async answer(): Promise<string> {
    const isThere = (): void => {
      if (!this.#received.includes('\r\n')) throw new Error(`no answer, ${this.ended ?? 'open'}`);
    };
    await vi.waitFor(isThere, { timeout: 5_000, interval: 5 });
    const [line = '', ...more] = this.#received.split('\r\n');
    this.#received = more.join('\r\n');
    return line;
  }

  /** Resolves to whether the connection, still open, brought nothing for so long. */
  async staysSilent(forMs: number): Promise<boolean> {
    await delay(forMs);
    return this.#received === '' && this.ended === undefined;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Resolves to how a connection attempt failed, or `connected`. */
export async function tryConnect(at: { host: string; port: number }): Promise<string> {
  try {
    using _wire = await Wire.open(at);
    return 'connected';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
