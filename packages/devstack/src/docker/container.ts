import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  Wait,
  type WaitStrategy,
} from 'testcontainers';
import type { ServerRequest } from '../server-kinds.ts';
import type { ServerOutput } from '../process/server-output.ts';

/** A container usually needs a fraction of a second; the limit allows for load. */
export const READY_WITHIN_MS = 30_000;
const LAST_OUTPUT = { stdout: true, stderr: true, tail: 200 } as const;

/**
 * Starts a server's container and resolves when the server is ready. If that fails, the container is removed and its output is
 * kept in `output`.
 */
export async function startContainer(
  image: string,
  { kind, args, dataDir }: ServerRequest,
  port: number,
  output: ServerOutput,
): Promise<StartedTestContainer> {
  const name = `mgm-${kind.name}-${randomUUID()}`;
  const container = new GenericContainer(image)
    .withName(name)
    .withCommand([...kind.containerCommand, ...args])
    .withExposedPorts({ container: kind.containerPort, host: port })
    .withWaitStrategy(new ReadyOrLastOutput(kind.readyLine, output))
    .withStartupTimeout(READY_WITHIN_MS);
  if (dataDir !== undefined)
    container.withBindMounts([{ source: resolve(dataDir), target: '/data' }]);
  try {
    return await container.start();
  } catch (error) {
    await removeIfThere(name, output);
    throw error;
  }
}

/**
 * Waits for a line of output. On failure it keeps the last output of the server, since `testcontainers` then removes the
 * container immediately. (Following the output from the start is not enough: a follower may get nothing of a container that
 * ends quickly.)
 */
class ReadyOrLastOutput implements WaitStrategy {
  readonly #ready: WaitStrategy;
  readonly #output: ServerOutput;

  constructor(line: RegExp, output: ServerOutput) {
    this.#ready = Wait.forLogMessage(line);
    this.#output = output;
  }

  async waitUntilReady(...args: Parameters<WaitStrategy['waitUntilReady']>): Promise<void> {
    try {
      await this.#ready.waitUntilReady(...args);
    } catch (error) {
      this.#output.add(textOf(await args[0].logs(LAST_OUTPUT)));
      throw error;
    }
  }

  withStartupTimeout(limitMs: number): this {
    this.#ready.withStartupTimeout(limitMs);
    return this;
  }

  isStartupTimeoutSet(): boolean {
    return this.#ready.isStartupTimeoutSet();
  }

  getStartupTimeout(): number {
    return this.#ready.getStartupTimeout();
  }
}

/** `testcontainers` leaves a container that did not start, or ended before its port was read. */
async function removeIfThere(name: string, output: ServerOutput): Promise<void> {
  const { container: containers } = await getContainerRuntimeClient();
  const found = await containers.dockerode.listContainers({ all: true, filters: { name: [name] } });
  for (const { Id } of found) {
    const container = containers.getById(Id);
    output.add(textOf(await container.logs(LAST_OUTPUT)));
    await container.remove({ force: true, v: true });
  }
}

/** Decodes a container's output: frames of one byte for the stream, three unused bytes, four bytes of length, then text. */
export function textOf(frames: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + 8, end);
    at = end;
  }
  return text;
}
