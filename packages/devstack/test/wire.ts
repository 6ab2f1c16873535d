import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { vi } from 'vitest';

/** Ends a wait that hangs. Far above any wait on a busy machine, where servers start and reply late; no test asserts this time. */
export const WITHIN = { timeout: 60_000, interval: 20 };

/** One connection with a line protocol, to test the replies of a server on this connection. */
export class Wire implements Disposable {
  /** Why the connection ended: an error code or `end`; undefined while it is open. */
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
    await once(socket, 'connect', { signal: AbortSignal.timeout(WITHIN.timeout) });
    return new Wire(socket);
  }

  /** Sends a line and resolves to the first line of the reply. */
  async ask(line: string): Promise<string> {
    this.send(line);
    return this.answer();
  }

  send(line: string): void {
    this.#received = '';
    this.#socket.write(`${line}\r\n`);
  }

  /** Takes the first unread line. */
  async answer(): Promise<string> {
    const isThere = (): void => {
      if (!this.#received.includes('\r\n')) throw new Error(`no answer, ${this.ended ?? 'open'}`);
    };
    await vi.waitFor(isThere, { ...WITHIN, interval: 5 });
    const [line = '', ...more] = this.#received.split('\r\n');
    this.#received = more.join('\r\n');
    return line;
  }

  /** Resolves to whether the connection stayed open and silent for this time. */
  async staysSilent(forMs: number): Promise<boolean> {
    await delay(forMs);
    return this.#received === '' && this.ended === undefined;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Resolves to the error of a connection attempt, or `connected`. */
export async function tryConnect(at: { host: string; port: number }): Promise<string> {
  try {
    using _wire = await Wire.open(at);
    return 'connected';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
